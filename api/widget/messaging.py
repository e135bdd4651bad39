"""A visitor writes."""

from uuid import UUID, uuid5

from litestar import Response, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from api.asking import AnyRequest, answer
from api.conversations.changed import Changed, changed
from api.conversations.messaging import Words, Written
from api.conversations.reading import Seen
from api.rate_limits import RateLimits
from api.widget.guest import Guest
from application.conversations import messaging, reading
from application.conversations.messaging import SendMessage, StartConversation
from application.conversations.reading import Read
from application.ports import Asked, Digests, EventStore
from domain.conversations.events import Author, Party
from domain.shared.ids import ConversationId, MessageId


@post("/conversations", operation_id="startConversation")
async def start_conversation(
    request: AnyRequest,
    data: JSONBody[Words],
    guest: NamedDependency[Guest],
    limits: NamedDependency[RateLimits],
    asked: NamedDependency[Asked],
    events: NamedDependency[EventStore],
    digests: NamedDependency[Digests],
) -> Response[Written]:
    """The visitor's first words begin a conversation."""
    limits.hit("message", str(guest.visitor), request.scope["state"])
    command = StartConversation(
        conversation=ConversationId(digests.new_id()),
        visitor=guest.visitor,
        # The receipt names the conversation: a repetition finds the message's id again by itself.
        message=MessageId(data.id or uuid5(asked.command, "message")),
        text=data.text,
    )
    receipt = await messaging.start_conversation(command, asked=asked, events=events)
    conversation = receipt.made or command.conversation
    return answer(Written(command.message, conversation, receipt.version), receipt, status=201)


@post("/conversations/{conversation:uuid}/messages", operation_id="sendMyMessage")
async def send_message(
    request: AnyRequest,
    conversation: FromPath[UUID],
    data: JSONBody[Words],
    guest: NamedDependency[Guest],
    limits: NamedDependency[RateLimits],
    asked: NamedDependency[Asked],
    events: NamedDependency[EventStore],
    digests: NamedDependency[Digests],
) -> Response[Written]:
    """Says something in a conversation of one's own."""
    limits.hit("message", str(guest.visitor), request.scope["state"])
    command = SendMessage(
        conversation=ConversationId(conversation),
        author=Author(Party.VISITOR, guest.visitor),
        message=MessageId(data.id or digests.new_id()),
        text=data.text,
    )
    receipt = await messaging.send_message(command, asked=asked, events=events)
    return answer(Written(receipt.made or command.message, conversation, receipt.version), receipt, status=201)


@put("/conversations/{conversation:uuid}/read", operation_id="markMineRead")
async def mark_read(
    conversation: FromPath[UUID],
    data: JSONBody[Seen],
    guest: NamedDependency[Guest],
    asked: NamedDependency[Asked],
    events: NamedDependency[EventStore],
) -> Response[Changed]:
    """The visitor has seen everything up to here."""
    command = Read(conversation=ConversationId(conversation), up_to=data.sequence, visitor=guest.visitor)
    return changed(conversation, await reading.read(command, asked=asked, events=events))
