create table agents (
    tenant_id uuid not null,
    agent_id uuid not null,
    role text not null,
    joined_position bigint not null,
    joined_version integer not null,
    joined_event uuid not null,
    name bytea,
    email bytea,
    primary key (tenant_id, agent_id)
);

create table agents_forgotten (
    tenant_id uuid not null,
    subject uuid not null,
    primary key (tenant_id, subject)
);
