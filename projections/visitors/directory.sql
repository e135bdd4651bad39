create table directory (
    tenant_id uuid not null,
    visitor_id uuid not null,
    first_seen timestamptz not null,
    last_seen timestamptz not null,
    conversations integer not null,
    seen bytea[],
    seen_name text,
    seen_event uuid,
    seen_version integer,
    name bytea,
    name_event uuid,
    name_version integer,
    email bytea,
    email_event uuid,
    email_version integer,
    phone bytea,
    phone_event uuid,
    phone_version integer,
    is_erased boolean not null,
    primary key (tenant_id, visitor_id)
);
create index directory_by_last_seen on directory (tenant_id, last_seen, visitor_id);

create table directory_forgotten (
    tenant_id uuid not null,
    subject uuid not null,
    primary key (tenant_id, subject)
);
