"""Writing in a conversation."""

from functools import partial

import msgspec

from application.ports import Asked, EventStore, Receipt
from domain.conversations import messaging
from domain.conversations.conversation import Conversation
from domain.conversations.events import Author
from domain.shared.ids import AgentId, ConversationId, MessageId, VisitorId


class StartConversation(msgspec.Struct, frozen=True, kw_only=True):
    conversation: ConversationId
    visitor: VisitorId
    message: MessageId
    text: str


class SendMessage(msgspec.Struct, frozen=True, kw_only=True):
    conversation: ConversationId
    author: Author
    message: MessageId
    text: str


class LeaveNote(msgspec.Struct, frozen=True, kw_only=True):
    conversation: ConversationId
    agent: AgentId
    message: MessageId
    text: str


async def start_conversation(command: StartConversation, *, asked: Asked, events: EventStore) -> Receipt:
    """A visitor's first words; the receipt names the conversation."""
    decide = partial(messaging.start_conversation, visitor=command.visitor, message=command.message, text=command.text)
    return await events.change(Conversation, command.conversation, decide, asked=asked, made=command.conversation)


async def send_message(command: SendMessage, *, asked: Asked, events: EventStore) -> Receipt:
    """Words of either side; the receipt names the message."""
    decide = partial(messaging.send_message, author=command.author, message=command.message, text=command.text)
    return await events.change(Conversation, command.conversation, decide, asked=asked, made=command.message)


async def leave_note(command: LeaveNote, *, asked: Asked, events: EventStore) -> Receipt:
    """Words between agents; the receipt names the note."""
    decide = partial(messaging.leave_note, agent=command.agent, message=command.message, text=command.text)
    return await events.change(Conversation, command.conversation, decide, asked=asked, made=command.message)
