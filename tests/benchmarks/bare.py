"""What everybody writes first: a Litestar handler with one INSERT through asyncpg, which tells whoever watches. No
session, no rights, no limits, no idempotency, nothing sealed, no audit. Served exactly as the product is."""

import asyncio
import contextlib
import signal
import sys
from collections import defaultdict
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import uvloop
from litestar import Litestar, WebSocket, post, websocket
from litestar.datastructures import State
from litestar.exceptions import WebSocketDisconnect
from litestar.params import FromPath, JSONBody

from api.run.serve import answering
from infrastructure.processes import die_with_parent

TABLE = """create table if not exists messages (
    id uuid primary key, conversation uuid not null, text text not null, sent_at timestamptz not null default now())"""
INSERT = "insert into messages (id, conversation, text) values ($1, $2, $3)"


class Words(msgspec.Struct):
    text: str
    id: UUID | None = None


class Written(msgspec.Struct):
    id: UUID
    conversation: UUID


@post("/conversations/{conversation:uuid}/messages")
async def send_message(conversation: FromPath[UUID], data: JSONBody[Words], state: State) -> Written:
    """Stores a message; autocommit, durable like ours."""
    written = Written(data.id or uuid4(), conversation)
    await state.pool.execute(INSERT, written.id, conversation, data.text)
    if watching := state.watching.get(str(conversation)):
        message = msgspec.json.encode({"id": written.id, "text": data.text}).decode()
        for socket in watching:
            await socket.send_text(message)
    return written


@websocket("/live")
async def live(socket: WebSocket[Any, Any, Any], state: State) -> None:
    """The first frame names conversations; whatever is said later is heard and forgotten."""
    await socket.accept()
    watched = (await socket.receive_text()).split()
    for conversation in watched:
        state.watching[conversation].add(socket)
    await socket.send_text("welcome")
    try:
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                await socket.receive_text()
    finally:
        for conversation in watched:
            state.watching[conversation].discard(socket)


async def serve(dsn: str, port: int, connections: int) -> None:
    """Until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    pool = await asyncpg.create_pool(dsn, min_size=connections, max_size=connections)
    await pool.execute(TABLE)
    state = State({"pool": pool, "watching": defaultdict(set)})
    app = Litestar([send_message, live], state=state, openapi_config=None, logging_config=None)
    async with answering(app, "127.0.0.1", port):
        await stop.wait()
    await pool.close()


if __name__ == "__main__":
    die_with_parent()
    uvloop.run(serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
