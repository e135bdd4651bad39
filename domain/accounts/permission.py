"""Which role may do what: the one place where it is decided."""

from enum import StrEnum

from domain.accounts.events import Role
from domain.shared.refusal import Forbidden


class Permission(StrEnum):
    READ = "read"
    """See conversations and the people in them."""
    CONVERSE = "converse"
    """Answer, assign, resolve."""
    AUDIT = "audit"
    """See who did what, and how things looked at an earlier moment."""
    ERASE = "erase"
    """Have a person forgotten."""
    REPORTS = "reports"
    """See what is counted."""


class RoleMayNot(Forbidden):
    """Your role does not allow this. Ask an owner or an admin of your organisation."""


GRANTED: dict[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.ADMIN: frozenset(Permission),
    Role.AGENT: frozenset({Permission.READ, Permission.CONVERSE, Permission.REPORTS}),
    Role.COMPLIANCE: frozenset({Permission.READ, Permission.AUDIT, Permission.ERASE, Permission.REPORTS}),
    Role.ANALYST: frozenset({Permission.REPORTS}),
}


def allow(role: Role, permission: Permission) -> None:
    """Nothing happens if the role may; RoleMayNot otherwise."""
    if permission not in GRANTED[role]:
        raise RoleMayNot
