-- What is known of the views: their generations, how far each shard is, which streams are parked.
-- Each generation's tables live in a schema of their own; the views of schema "read" show the serving generation.

create schema views;
create schema read;

create table views.generations (
    view text not null,
    generation integer not null,
    version integer not null,
    state text not null check (state in ('filling', 'serving')),
    created_at timestamptz not null default now(),
    primary key (view, generation)
);
create unique index one_serves on views.generations (view) where state = 'serving';

create table views.checkpoints (
    view text not null,
    generation integer not null,
    shard smallint not null check (shard between 0 and 15),
    position bigint not null,
    moved_at timestamptz not null default now(),
    primary key (view, generation, shard),
    foreign key (view, generation) references views.generations on delete cascade
);

create table views.parked (
    view text not null,
    generation integer not null,
    tenant_id uuid not null,
    stream_kind text not null,
    stream_id uuid not null,
    position bigint not null,
    error text not null,
    parked_at timestamptz not null default now(),
    primary key (view, generation, tenant_id, stream_kind, stream_id),
    foreign key (view, generation) references views.generations on delete cascade
);

grant usage on schema views to helpr_app, helpr_worker;
grant usage on schema read to helpr_app, helpr_worker;
grant select on views.generations, views.checkpoints to helpr_app, helpr_worker;
grant update on views.checkpoints to helpr_worker;
grant select, insert, delete on views.parked to helpr_worker;
