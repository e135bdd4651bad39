"""From open to resolved, and back."""

from uuid import UUID

from domain.conversations.conversation import Conversation
from domain.conversations.events import ConversationReopened, ConversationResolved, ConversationStarted
from domain.conversations.lifecycle import reopen, resolve
from domain.conversations.messaging import ConversationIsUnknown
from domain.shared.ids import VisitorId
from tests.spec import given

started = ConversationStarted(visitor=VisitorId(UUID(int=1)))
resolved, reopened = ConversationResolved(), ConversationReopened()


def test_an_open_conversation_is_resolved_once() -> None:
    given(Conversation, started).when(resolve).then(resolved)
    given(Conversation, started, resolved).when(resolve).then()


def test_a_resolved_conversation_is_reopened_once() -> None:
    given(Conversation, started, resolved).when(reopen).then(reopened)
    given(Conversation, started).when(reopen).then()
    given(Conversation, started, resolved, reopened).when(reopen).then()


def test_what_has_not_started_does_not_end() -> None:
    given(Conversation).when(resolve).refuses(ConversationIsUnknown)
    given(Conversation).when(reopen).refuses(ConversationIsUnknown)
