-- The log: one append-only table, one function that writes it, one row for each command that was done.

create schema log;

create table log.events (
    position bigint not null,
    tenant_id uuid not null,
    stream_kind text not null,
    stream_id uuid not null,
    version integer not null check (version > 0),
    event_id uuid not null,
    name text not null,
    schema_version smallint not null default 1,
    recorded_at timestamptz not null,
    actor_kind text not null,
    actor_id uuid not null,
    correlation_id uuid not null,
    causation_id uuid,
    command_id uuid not null,
    metadata jsonb,
    data bytea not null,
    hash bytea not null,
    primary key (tenant_id, stream_id, stream_kind, version)
);
create index events_in_order on log.events (position);

create table log.commands (
    tenant_id uuid not null,
    command_id uuid not null,
    fingerprint bytea not null,
    made uuid,
    position bigint not null,
    version integer not null,
    recorded_at timestamptz not null,
    primary key (tenant_id, command_id)
);

create function log.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'the log is append-only' using errcode = 'insufficient_privilege';
end $$;
create trigger append_only before update or delete on log.events for each row execute function log.refuse_change();
create trigger never_emptied before truncate on log.events for each statement execute function log.refuse_change();

-- Takes a batch of requests and their facts, both in order; ``request`` numbers the requests from 1 and ``version`` is
-- what each fact will be in its stream. In one batch a stream and a command belong to one request only: the caller sees
-- to it. ``ends`` is the version of the request's first stream afterwards, kept for the answer to a repetition. A request whose stream has moved on is answered 'conflict' and leaves no trace, the others are not disturbed.
-- A command that was done before is answered 'repeated', with what it gave then, or 'reused' if it asked for something
-- else. The lock makes positions gapless and their order the order of commits, so a reader needs only "position > last".
create function log.append(
    tenants uuid[], commands uuid[], fingerprints bytea[], mades uuid[], ends int[], actor_kinds text[], actor_ids uuid[],
    correlations uuid[], causations uuid[],
    requests int[], kinds text[], streams uuid[], versions int[], event_ids uuid[], names text[], datas bytea[],
    hashes bytea[]
) returns table (request int, outcome text, made uuid, "position" bigint, version int)
language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    head bigint;
    moment timestamptz;
begin
    perform pg_advisory_xact_lock(7305508, 1);
    select e.position, e.recorded_at into head, moment from log.events e order by e.position desc limit 1;
    head := coalesce(head, 0);
    moment := greatest(clock_timestamp(), moment);
    return query
    with asked as (
        select * from unnest(tenants, commands, fingerprints, mades, ends, actor_kinds, actor_ids, correlations, causations)
            with ordinality as a (tenant_id, command_id, fingerprint, made, ends, actor_kind, actor_id, correlation_id,
                causation_id, request)
    ), fact as (
        select f.*, a.tenant_id
        from unnest(requests, kinds, streams, versions, event_ids, names, datas, hashes)
            with ordinality as f (request, kind, stream_id, version, event_id, name, data, hash, ord)
        join lateral (select tenants[f.request] as tenant_id) a on true
    ), done as materialized (
        select a.request, c.made, c.position, c.version, c.fingerprint = a.fingerprint as same
        from asked a
        join lateral (
            select * from log.commands c where c.tenant_id = a.tenant_id and c.command_id = a.command_id
        ) c on true
    ), stale as materialized (
        select distinct f.request
        from (select distinct on (f.request, f.kind, f.stream_id) f.* from fact f order by f.request, f.kind, f.stream_id, f.ord) f
        where f.version - 1 <> coalesce((
            select e.version from log.events e
            where e.tenant_id = f.tenant_id and e.stream_id = f.stream_id and e.stream_kind = f.kind
            order by e.version desc limit 1), 0)
    ), good as materialized (
        select f.*, head + row_number() over (order by f.ord) as position
        from fact f
        where f.request not in (select d.request from done d) and f.request not in (select s.request from stale s)
    ), written as (
        insert into log.events (position, tenant_id, stream_kind, stream_id, version, event_id, name, recorded_at,
            actor_kind, actor_id, correlation_id, causation_id, command_id, data, hash)
        select g.position, g.tenant_id, g.kind, g.stream_id, g.version, g.event_id, g.name, moment,
            actor_kinds[g.request], actor_ids[g.request], correlations[g.request], causations[g.request],
            commands[g.request], g.data, g.hash
        from good g order by g.position
    ), remembered as (
        insert into log.commands as c (tenant_id, command_id, fingerprint, made, position, version, recorded_at)
        select a.tenant_id, a.command_id, a.fingerprint, a.made,
            coalesce((select max(g.position) from good g where g.request = a.request), head), a.ends, moment
        from asked a
        where a.request not in (select d.request from done d) and a.request not in (select s.request from stale s)
        returning c.command_id, c.made, c.position, c.version
    )
    select a.request::int, 'done', r.made, r.position, r.version
    from remembered r join asked a on a.command_id = r.command_id
    union all
    select d.request::int, case when d.same then 'repeated' else 'reused' end, d.made, d.position, d.version from done d
    union all
    select s.request, 'conflict', null, null, null from stale s where s.request not in (select d.request from done d);
    if cardinality(requests) > 0 then
        perform pg_notify('helpr_log', (head + cardinality(requests))::text);
    end if;
end $$;

do $$ begin
    if to_regrole('helpr_app') is null then create role helpr_app nologin; end if;
    if to_regrole('helpr_worker') is null then create role helpr_worker nologin; end if;
end $$;
grant usage on schema log to helpr_app, helpr_worker;
grant select, insert on log.events, log.commands to helpr_app;
grant select on log.events to helpr_worker;
