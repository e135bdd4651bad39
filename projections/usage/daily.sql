create table daily (
    tenant_id uuid not null,
    day date not null,
    conversations integer not null,
    visitor_messages integer not null,
    agent_messages integer not null,
    resolved integer not null,
    primary key (tenant_id, day)
);
