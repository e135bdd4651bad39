create table audit (
    tenant_id uuid not null,
    position bigint not null,
    stream_kind text not null,
    stream_id uuid not null,
    version integer not null,
    at timestamptz not null,
    fact text not null,
    actor_kind text not null,
    actor_id uuid not null,
    event_id uuid not null,
    command_id uuid not null,
    correlation_id uuid not null,
    causation_id uuid,
    primary key (tenant_id, stream_id, stream_kind, version)
);
