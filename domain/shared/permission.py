"""What somebody may be allowed to do. Every context asks for it; accounts alone say which role has it."""

from enum import StrEnum


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
