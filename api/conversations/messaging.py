"""Writing in a conversation, over HTTP."""

from uuid import UUID

import msgspec
from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from api.asking import answer
from api.caller import Caller
from application.conversations import messaging
from application.conversations.messaging import LeaveNote, SendMessage
from application.ports import Asked, Digests, EventStore
from domain.conversations.events import Author, Party
from domain.shared.ids import ConversationId, MessageId
from domain.shared.permission import Permission


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody writes, 1 to 10,000 characters. ``id`` may be chosen by the writer, so that they recognise it."""

    text: str
    id: UUID | None = None


class Written(msgspec.Struct, frozen=True):
    """The message that was taken, and its place in the conversation."""

    id: UUID
    conversation: UUID
    sequence: int


@post(
    "/conversations/{conversation:uuid}/messages", operation_id="sendMessage", opt={"permission": Permission.CONVERSE}
)
async def send_message(
    conversation: FromPath[UUID],
    data: JSONBody[Words],
    caller: NamedDependency[Caller],
    asked: NamedDependency[Asked],
    events: NamedDependency[EventStore],
    digests: NamedDependency[Digests],
) -> Response[Written]:
    """Says something to the visitor."""
    command = SendMessage(
        conversation=ConversationId(conversation),
        author=Author(Party.AGENT, caller.agent),
        message=MessageId(data.id or digests.new_id()),
        text=data.text,
    )
    receipt = await messaging.send_message(command, asked=asked, events=events)
    return answer(Written(receipt.made or command.message, conversation, receipt.version), receipt, status=201)


@post("/conversations/{conversation:uuid}/notes", operation_id="leaveNote", opt={"permission": Permission.CONVERSE})
async def leave_note(
    conversation: FromPath[UUID],
    data: JSONBody[Words],
    caller: NamedDependency[Caller],
    asked: NamedDependency[Asked],
    events: NamedDependency[EventStore],
    digests: NamedDependency[Digests],
) -> Response[Written]:
    """Says something that only agents see."""
    command = LeaveNote(
        conversation=ConversationId(conversation),
        agent=caller.agent,
        message=MessageId(data.id or digests.new_id()),
        text=data.text,
    )
    receipt = await messaging.leave_note(command, asked=asked, events=events)
    return answer(Written(receipt.made or command.message, conversation, receipt.version), receipt, status=201)
