create table thread (
    tenant_id uuid not null,
    conversation_id uuid not null,
    sequence integer not null,
    kind text not null,
    at timestamptz not null,
    event_id uuid not null,
    actor_kind text not null,
    actor_id uuid not null,
    visitor_id uuid,
    message_id uuid,
    author_kind text,
    author_id uuid,
    text bytea,
    is_erased boolean not null,
    assignee_id uuid,
    priority text,
    primary key (tenant_id, conversation_id, sequence)
);
create index thread_of_visitor on thread (tenant_id, visitor_id) where visitor_id is not null;

create table thread_receipts (
    tenant_id uuid not null,
    conversation_id uuid not null,
    visitor integer not null,
    agent integer not null,
    primary key (tenant_id, conversation_id)
);

create table thread_forgotten (
    tenant_id uuid not null,
    subject uuid not null,
    primary key (tenant_id, subject)
);
