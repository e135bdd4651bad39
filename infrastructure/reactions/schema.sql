-- How far each reaction has followed the log.

create table log.reactions (
    name text primary key,
    position bigint not null
);
grant select, insert, update on log.reactions to helpr_app;
