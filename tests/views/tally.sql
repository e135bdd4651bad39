create table tally (
    tenant_id uuid not null,
    stream_id uuid not null,
    facts integer not null,
    primary key (tenant_id, stream_id)
);

create table tally_total (
    tenant_id uuid primary key,
    facts integer not null
);
