create table inbox (
    tenant_id uuid not null,
    conversation_id uuid not null,
    visitor_id uuid not null,
    status text not null,
    priority smallint not null,
    assignee_id uuid,
    started_at timestamptz not null,
    last_at timestamptz not null,
    waiting_since timestamptz,
    unread integer[] not null,
    sequence integer not null,
    preview_author text,
    preview bytea,
    preview_event uuid,
    preview_version integer,
    is_erased boolean not null,
    primary key (tenant_id, conversation_id)
);
create index inbox_newest on inbox (tenant_id, status, last_at, conversation_id);
create index inbox_newest_all on inbox (tenant_id, last_at, conversation_id);
create index inbox_newest_of_assignee on inbox (tenant_id, assignee_id, status, last_at, conversation_id);
create index inbox_by_priority on inbox (tenant_id, status, priority, last_at, conversation_id);
create index inbox_by_priority_all on inbox (tenant_id, priority, last_at, conversation_id);
create index inbox_of_visitor on inbox (tenant_id, visitor_id);

create table inbox_people (
    tenant_id uuid not null,
    visitor_id uuid not null,
    name bytea,
    name_event uuid,
    name_version integer,
    primary key (tenant_id, visitor_id)
);

create table inbox_forgotten (
    tenant_id uuid not null,
    subject uuid not null,
    primary key (tenant_id, subject)
);
