-- The log: one append-only table, one function that writes it, one row for each command that was done.

create schema log;

create table log.events (
    position bigint not null,
    tenant_id uuid not null,
    stream_kind text not null,
    stream_id uuid not null,
    version integer not null check (version >= 0),
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
-- what each fact will be in its stream: one more than the fact before it, and 1 for the first (or 0: aggregates of the
-- eventsourcing library may count from there). In one batch a stream and a command belong to one request only: the
-- caller sees to it. ``ends`` is the version of the request's first stream afterwards, kept for the answer to a
-- repetition. A request that does not continue its streams is answered 'conflict' and leaves no trace, the others are
-- not disturbed. A command that was done before is answered 'repeated', with what it gave then, or 'reused' if it asked
-- for something else. The lock makes positions gapless and their order the order of commits, so a reader needs only
-- "position > last". It is a statement of its own: under read committed the next one's snapshot is taken after it.
create function log.append(
    tenants uuid[], commands uuid[], fingerprints bytea[], mades uuid[], ends int[], actor_kinds text[],
    actor_ids uuid[], correlations uuid[], causations uuid[],
    requests int[], kinds text[], streams uuid[], versions int[], event_ids uuid[], names text[], datas bytea[],
    hashes bytea[]
) returns table (request int, outcome text, made uuid, "position" bigint, version int, recorded_at timestamptz)
language plpgsql
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
    head bigint;
    last bigint;
    moment timestamptz;
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'the log is written under read committed only' using errcode = 'invalid_transaction_state';
    end if;
    perform pg_advisory_xact_lock(7305508, 1);
    select e.position, e.recorded_at into head, moment from log.events e order by e.position desc limit 1;
    head := coalesce(head, 0);
    moment := greatest(clock_timestamp(), moment);
    return query
    with asked as materialized (
        select a.*
        from unnest(tenants, commands, fingerprints, mades, ends, actor_kinds, actor_ids, correlations, causations)
            with ordinality as a (tenant_id, command_id, fingerprint, made, version, actor_kind, actor_id,
                correlation_id, causation_id, request)
    ), done as materialized (
        select a.request, c.made, c.position, c.version, c.fingerprint = a.fingerprint as same
        from asked a cross join lateral (
            select * from log.commands c where c.tenant_id = a.tenant_id and c.command_id = a.command_id limit 1
        ) c
    ), fact as materialized (
        select f.*, row_number() over (partition by f.request, f.kind, f.stream_id order by f.ord) as nth
        from unnest(requests, kinds, streams, versions, event_ids, names, datas, hashes)
            with ordinality as f (request, kind, stream_id, version, event_id, name, data, hash, ord)
    ), stream as materialized (
        select f.request, f.kind, f.stream_id, min(f.version - f.nth) as before, max(f.version - f.nth) as other
        from fact f group by f.request, f.kind, f.stream_id
    ), stale as materialized (
        select distinct s.request
        from stream s join asked a on a.request = s.request
        left join lateral (
            select e.version from log.events e
            where e.tenant_id = a.tenant_id and e.stream_id = s.stream_id and e.stream_kind = s.kind
            order by e.version desc limit 1
        ) e on true
        where s.before <> s.other or s.before <> coalesce(e.version, case s.before when -1 then -1 else 0 end)
    ), good as materialized (
        select f.*, head + row_number() over (order by f.ord) as position
        from fact f join asked a on a.request = f.request
        where a.request not in (select d.request from done d) and a.request not in (select s.request from stale s)
    ), kept as materialized (
        select a.*, coalesce(g.position, head) as position
        from asked a
        left join (select g.request, max(g.position) as position from good g group by g.request) g
            on g.request = a.request
        where a.request not in (select d.request from done d) and a.request not in (select s.request from stale s)
    ), written as (
        insert into log.events (position, tenant_id, stream_kind, stream_id, version, event_id, name, recorded_at,
            actor_kind, actor_id, correlation_id, causation_id, command_id, data, hash)
        select g.position, k.tenant_id, g.kind, g.stream_id, g.version, g.event_id, g.name, moment,
            k.actor_kind, k.actor_id, k.correlation_id, k.causation_id, k.command_id, g.data, g.hash
        from good g join kept k on k.request = g.request order by g.position
    ), remembered as (
        insert into log.commands (tenant_id, command_id, fingerprint, made, position, version, recorded_at)
        select k.tenant_id, k.command_id, k.fingerprint, k.made, k.position, k.version, moment from kept k
    )
    select k.request::int, 'done', k.made, k.position, k.version, moment from kept k
    union all
    select d.request::int, case when d.same then 'repeated' else 'reused' end, d.made, d.position, d.version, null
        from done d
    union all
    select s.request, 'conflict', null, null, null, null from stale s where s.request not in (select d.request from done d);
    select e.position into last from log.events e order by e.position desc limit 1;
    if last > head then
        perform pg_notify('helpr_log', last::text);
    end if;
end $$;

do $$ begin
    if to_regrole('helpr_app') is null then create role helpr_app nologin; end if;
    if to_regrole('helpr_worker') is null then create role helpr_worker nologin; end if;
end $$;
grant usage on schema log to helpr_app, helpr_worker;
grant select, insert on log.events, log.commands to helpr_app;
grant select on log.events to helpr_worker;
