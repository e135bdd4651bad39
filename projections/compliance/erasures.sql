create table erasures (
    tenant_id uuid not null,
    subject uuid not null,
    reason text not null,
    state text not null,
    decided_at timestamptz not null,
    shredded_at timestamptz,
    proved_at timestamptz,
    keys integer not null,
    primary key (tenant_id, subject)
);
create index erasures_by_decided_at on erasures (tenant_id, decided_at, subject);
