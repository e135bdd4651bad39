"""Forgetting a person: decide, destroy the keys, prove that nothing remains."""

from functools import partial
from typing import Protocol, runtime_checkable
from uuid import UUID

import msgspec

from application.ports import Asked, EventStore, Keyring, Knows, Receipt
from domain.compliance import erasure
from domain.compliance.erasure import Erasure
from domain.compliance.events import ErasureReason
from domain.shared.ids import VisitorId
from domain.shared.refusal import Absent, Refusal


class SubjectIsUnknown(Absent):
    """There is no such visitor."""


class RemainsWereFound(Refusal):
    """Something of this person is still there; it is looked for again later."""


@runtime_checkable
class Remains(Protocol):
    """Where something of a person could still be."""

    async def search(self, tenant: UUID, subject: UUID) -> dict[str, int]:
        """For each place that was searched, how many readable or sealed pieces of the person are left."""
        ...


class EraseVisitor(msgspec.Struct, frozen=True, kw_only=True):
    visitor: VisitorId
    reason: ErasureReason


async def erase_visitor(command: EraseVisitor, *, asked: Asked, events: EventStore, visitors: Knows) -> Receipt:
    """Records the decision. What follows from it is done by shred and prove, and tried until it is done."""
    if not await visitors(asked.tenant, command.visitor):
        raise SubjectIsUnknown
    decide = partial(erasure.decide_erasure, subject=command.visitor, reason=command.reason)
    return await events.change(Erasure, command.visitor, decide, asked=asked, made=command.visitor)


async def shred(subject: UUID, *, asked: Asked, events: EventStore, keyring: Keyring) -> Receipt:
    """Destroys the person's keys, then records that they are gone."""
    keys = await keyring.destroy(asked.tenant, f"subject:{subject}")
    decide = partial(erasure.shred, subject=subject, keys=keys)
    return await events.change(Erasure, subject, decide, asked=asked)


async def prove(subject: UUID, *, asked: Asked, events: EventStore, remains: Remains) -> Receipt:
    """Searches every place and records that nothing is left; RemainsWereFound otherwise."""
    places = await remains.search(asked.tenant, subject)
    if any(places.values()):
        raise RemainsWereFound
    return await events.change(Erasure, subject, partial(erasure.prove, subject=subject, places=places), asked=asked)
