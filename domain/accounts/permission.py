"""Which role may do what: the one place where it is decided."""

from domain.accounts.events import Role
from domain.shared.permission import Permission
from domain.shared.refusal import Forbidden


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
