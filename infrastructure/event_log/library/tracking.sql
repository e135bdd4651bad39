-- How far applications of the eventsourcing library have followed others: one row each, which only moves forward.

create table log.tracking (
    tenant_id uuid not null,
    application_name text not null,
    notification_id bigint not null,
    primary key (tenant_id, application_name)
);
alter table log.tracking enable row level security;
alter table log.tracking force row level security;
create policy own on log.tracking to helpr_app
    using (tenant_id = nullif(current_setting('helpr.tenant', true), '')::uuid);
grant select, insert, update on log.tracking to helpr_app;
