"""Wires everything together; nothing else imports both the API and the infrastructure, and nothing imports this but
the command line and the tests."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from litestar import Litestar, Router
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from api import access, form, health, pages, shell
from api.accounts import agents, signing_in
from api.asking import AnyRequest, asked, at_least
from api.binding import bound
from api.body import LARGEST_BODY
from api.caller import Door, caller_of
from api.compliance import audit, erasure
from api.compliance.damage import Damages
from api.conversations import assignment, history, inbox, lifecycle, live, messaging, reading, thread
from api.conversations.broadcast import Broadcast
from api.conversations.news import News
from api.description import CONFIG, described
from api.express import Express
from api.metrics import Metrics
from api.problems import HANDLERS
from api.rate_limits import RateLimits
from api.request_log import RequestLog, request_id
from api.settings import Settings, local
from api.usage import daily
from api.visitors import directory
from api.widget import arrival, identification
from api.widget import live as widget_live
from api.widget import messaging as widget_messaging
from api.widget import thread as widget_thread
from api.widget.guest import WidgetDoor, guest_of
from application.accounts.registration import is_colleague
from application.ports import Asked, Tokens
from application.visitors.arrival import has_arrived
from domain.compliance.events import ErasureDecided, KeysDestroyed
from domain.shared.recorded import Recorded
from infrastructure.database.connections import connect, connect_pool
from infrastructure.database.lost import AWAY
from infrastructure.event_log.event_store import LogEventStore
from infrastructure.event_log.following import LogFollower
from infrastructure.event_log.group_commit import GroupCommit
from infrastructure.event_log.memories import Memories, key_of
from infrastructure.event_log.reading import LogReader, Unreadable
from infrastructure.keys import digests, marks
from infrastructure.keys.keyring import CELL, MASTER, TenantKeyring
from infrastructure.keys.live_tokens import LiveTokens
from infrastructure.keys.local_root import LocalRootKey
from infrastructure.keys.passwords import Argon2Passwords
from infrastructure.keys.postgres_store import PostgresKeyStore
from infrastructure.keys.root_key import RootKey
from infrastructure.keys.sqlite_store import SqliteKeyStore
from infrastructure.keys.store import KeyStore
from infrastructure.keys.tombstones import Tombstones
from infrastructure.traces.wanted import tracing
from infrastructure.views.positions import Positions
from infrastructure.views.reads import ViewReads
from infrastructure.wakeups import Wakeups

KEYS_CHANNEL, TYPING_CHANNEL = "helpr_keys", "helpr_typing"
MOST_NOTICES = 1000
"""So many may wait to be told to the other processes before no more is told of who is writing."""


def root_key(url: str) -> RootKey:
    """``file:///path`` of a local root key, or ``aws-kms:///alias/name?region=eu-central-1``."""
    if file := local(url):
        return LocalRootKey(file)
    # boto3 takes 25 MB and half a second of every start: only who uses it is to pay for it.
    from infrastructure.keys.aws_kms import AwsKms

    parts = urlsplit(url)
    options = dict(part.split("=", 1) for part in parts.query.split("&") if "=" in part)
    return AwsKms(parts.path.removeprefix("/"), region=options.get("region", ""), endpoint=options.get("endpoint"))


def key_store(url: str) -> KeyStore:
    """``sqlite:///path`` of the embedded store, or the DSN of a PostgreSQL database of its own."""
    file = local(url)
    return SqliteKeyStore(file) if file else PostgresKeyStore(url)


class House:
    """All parts of one process. ``opened`` starts and stops them."""

    def __init__(self, settings: Settings, *, pool: Any, process: str = "api") -> None:
        marks.check_all()
        self.settings, self.pool = settings, pool
        self.traces = tracing(settings.traces_url, share=settings.traces_share, process=process, current=request_id)
        self.is_secure = settings.public_url.startswith("https://")
        self._notices: set[asyncio.Task[Any]] = set()
        self.damages = Damages(lambda: self.events, digests)
        store = self.traces.keys(key_store(settings.keys_url))
        self.keyring = TenantKeyring(
            root_key(settings.kms_url),
            store,
            seconds=settings.keys_kept,
            destroyed=self._announce_destroyed,
            damaged=self.damages.found,
        )
        self.metrics = Metrics()
        self.reader = LogReader(pool)
        self.tombstones = Tombstones(self.reader, store, self.keyring)
        self.follower = LogFollower(self.reader, (self._remember,), unreadable=self._forget)
        self.log = GroupCommit(
            partial(connect, settings.database_url),
            written=self.metrics.written,
            shared=self.traces.shared,
            stored=self.follower.stored,
        )
        self.memories = Memories()
        self.events = self.traces.events(LogEventStore(self.log, self.reader, self.keyring, self.memories))
        self.passwords = Argon2Passwords()
        self.broadcast = Broadcast(self.keyring)
        self.positions = Positions(pool, self._moved)
        self.reads = ViewReads(pool, self.positions)
        self.news = News(self.reads, self.reader, self.keyring)
        self.limits = RateLimits()
        clock, proxies = time.time, settings.trusted_proxies
        self.door = Door(
            self.events, digests, self.limits, now=clock, is_secure=self.is_secure, trusted_proxies=proxies
        )
        self.widget_door = WidgetDoor(self.events, digests, self.limits, settings.trusted_proxies)
        self.follower.also(self.broadcast.follow)
        self.follower.also(self.news.follow)
        self.wakeups = Wakeups(partial(connect, settings.database_url))
        self.wakeups.on("helpr_log", self.follower.wake)
        self.wakeups.on("helpr_views", self.positions.told)
        self.wakeups.when_lost(self.positions.forget)
        self.wakeups.on(KEYS_CHANNEL, self._evict)
        self.wakeups.on(TYPING_CHANNEL, self.broadcast.typing)

    @cached_property
    def tokens(self) -> LiveTokens:
        """Good in every process that has the same keys."""
        return LiveTokens(self.keyring.master("live tokens"))

    async def ready(self) -> dict[str, bool]:
        """Each part that is needed, and whether it answers."""
        parts = {"database": False, "keys": False}
        with suppress(Exception):
            parts["database"] = await self.pool.fetchval("select 1", timeout=2) == 1
        with suppress(Exception):
            await asyncio.wait_for(self.keyring.living(CELL, MASTER), 2)
            parts["keys"] = True
        return parts

    def say(self, channel: str, payload: str) -> None:
        """Tells the other processes something that may be lost."""
        task = asyncio.get_running_loop().create_task(self._notify(channel, payload))
        self._notices.add(task)
        task.add_done_callback(self._notices.discard)

    def say_typing(self, payload: str) -> None:
        """Tells it unless too much waits to be told."""
        if len(self._notices) < MOST_NOTICES:
            self.say(TYPING_CHANNEL, payload)

    async def _notify(self, channel: str, payload: str) -> None:
        with suppress(*AWAY):
            await self.pool.execute("select pg_notify($1, $2)", channel, payload)

    def _remember(self, page: Sequence[Recorded[Any]]) -> None:
        for recorded in page:
            self.memories.follow(recorded)
            if isinstance(recorded.fact, ErasureDecided | KeysDestroyed):
                self.keyring.evict(recorded.tenant, f"subject:{recorded.fact.subject}")

    def _forget(self, fact: Unreadable) -> None:
        """What is remembered of a stream is not to be relied on once something in it cannot be read."""
        self.memories.forget(key_of(fact.tenant, fact.kind, fact.stream))

    def _moved(self, view: str) -> None:
        self.news.moved(view)

    def _announce_destroyed(self, tenant: UUID, scope: str) -> None:
        self.say(KEYS_CHANNEL, f"{tenant} {scope}")

    def _evict(self, payload: str) -> None:
        if not payload:
            self.keyring.evict_all()
        else:
            tenant, scope = payload.split(" ", 1)
            self.keyring.evict(UUID(tenant), scope)


@asynccontextmanager
async def opened(settings: Settings, *, process: str = "api") -> AsyncIterator[House]:
    """A house with its lights on, whose parts stop in the order in which nothing acknowledged is lost, also where the
    start has failed."""
    async with AsyncExitStack() as stops:
        pool = await connect_pool(settings.database_url)
        stops.push_async_callback(pool.close)
        house = House(settings, pool=pool, process=process)
        # The last one stops first. Whatever has not started has nothing to stop.
        stops.push_async_callback(asyncio.to_thread, house.traces.stop)
        stops.callback(house.passwords.close)
        stops.push_async_callback(house.keyring.close)
        for part in (house.follower, house.wakeups, house.log, house.broadcast, house.news, house.damages):
            stops.push_async_callback(part.stop)
        await house.keyring.open_store()
        await house.tombstones.put_back()
        house.log.start()
        await house.positions.look()
        await house.follower.start()
        house.wakeups.start()
        house.broadcast.start()
        house.news.start()
        house.damages.start()
        yield house


def web(house: House) -> shell.Shell:
    """The application in its shell."""
    made = application(house)
    house.metrics.watch(
        [route.path_format for route in made.routes],
        queue=lambda: house.log.waiting,
        sockets=lambda: house.broadcast.listening,
        keys=lambda: house.keyring.looked_up,
        memories=lambda: (len(house.memories), house.memories.reads),
    )
    return shell.Shell(
        made,  # type: ignore[arg-type]
        express=Express(made),
        new_id=digests.new_id,
        is_secure=house.is_secure,
        answered=RequestLog(house.settings.log_every, house.traces.answers(house.metrics.answered)).answered,
    )


def application(house: House) -> Litestar:
    """Routes behind their doors, and problems."""

    async def asked_by_agent(request: AnyRequest) -> Asked:
        caller = await caller_of(request)
        return await asked(request, digests, house.keyring, caller.tenant, caller.actor.kind, caller.agent)

    async def asked_by_visitor(request: AnyRequest) -> Asked:
        guest = await guest_of(request)
        return await asked(request, digests, house.keyring, guest.tenant, guest.actor.kind, guest.visitor)

    async def tokens(_: object) -> Tokens:
        return house.tokens

    async def agents_only(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        await house.door.guard(connection, handler)

    async def visitors_only(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        await house.widget_door.guard(connection, handler)

    async def agent_enters(request: AnyRequest) -> None:
        await house.door.guard(request, request.route_handler)
        await form.check(request)

    async def visitor_enters(request: AnyRequest) -> None:
        await house.widget_door.guard(request, request.route_handler)
        await form.check(request)

    parts = _parts(house)
    for_agents = {"caller": caller_of, "asked": asked_by_agent, "at_least": at_least, "tokens": tokens}
    for_visitors = {"guest": guest_of, "asked": asked_by_visitor, "at_least": at_least, "tokens": tokens}
    agent_routes = Router(
        "/v1",
        route_handlers=bound([
            signing_in.sign_in, signing_in.who_am_i, signing_in.sign_out, signing_in.live_token, agents.list_agents,
            inbox.read_inbox, inbox.count_inbox, inbox.read_conversations_of, thread.open_conversation,
            thread.read_changes, messaging.send_message, messaging.leave_note, assignment.assign,
            assignment.prioritise, lifecycle.set_status, reading.mark_read, history.read_moment, audit.read_trail,
            audit.export_trail, directory.list_visitors, directory.read_visitor, erasure.erase_visitor,
            erasure.read_erasure, erasure.list_erasures, daily.read_days,
        ], parts, for_agents),
        before_request=agent_enters,
        tags=["Agents"],
    )  # fmt: skip
    visitor_routes = Router(
        "/widget/v1",
        route_handlers=bound([
            arrival.begin_session, arrival.live_token, identification.identify, widget_messaging.start_conversation,
            widget_messaging.send_message, widget_messaging.mark_read, widget_thread.read_conversation,
        ], parts, for_visitors),
        before_request=visitor_enters,
        tags=["Widget"],
    )  # fmt: skip
    sockets = [
        Router("/v1", route_handlers=bound([live.live], parts, for_agents), guards=[agents_only], tags=["Agents"]),
        Router(
            "/widget/v1",
            route_handlers=bound([widget_live.live], parts, for_visitors),
            guards=[visitors_only],
            tags=["Widget"],
        ),
    ]
    made = Litestar(
        [agent_routes, visitor_routes, *sockets, *bound([*health.ROUTES, *pages.ROUTES], parts, {})],
        exception_handlers=HANDLERS,
        openapi_config=CONFIG,
        request_max_body_size=LARGEST_BODY,
        logging_config=None,
    )
    access.check(made)
    return made


def _parts(house: House) -> dict[str, Any]:
    """What routes may ask for, by name."""
    return {
        "settings": house.settings,
        "events": house.events,
        "history": house.reader,
        "keyring": house.keyring,
        "passwords": house.passwords,
        "digests": digests,
        "reads": house.reads,
        "limits": house.limits,
        "door": house.door,
        "widget_door": house.widget_door,
        "broadcast": house.broadcast,
        "news": house.news,
        "say_typing": house.say_typing,
        "check": health.Lately(house.ready),
        "colleagues": partial(is_colleague, events=house.events),
        "visitors": partial(has_arrived, events=house.events),
    }


def description() -> dict[str, Any]:
    """The OpenAPI file, made from routes that nobody can call: nothing is opened for it."""
    with TemporaryDirectory() as folder:
        data = Path(folder)
        settings = Settings(data=data, kms_url=f"file://{data}/root.key", keys_url=f"sqlite://{data}/keys.sqlite")
        return described(application(House(settings, pool=None)).openapi_schema.to_schema())
