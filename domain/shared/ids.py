"""The names of things. Ids are UUIDv7 and come in from outside; they say nothing about anybody."""

from typing import NewType
from uuid import UUID

OrganisationId = NewType("OrganisationId", UUID)
AgentId = NewType("AgentId", UUID)
SessionId = NewType("SessionId", UUID)
VisitorId = NewType("VisitorId", UUID)
ConversationId = NewType("ConversationId", UUID)
MessageId = NewType("MessageId", UUID)
