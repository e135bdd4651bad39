"""What the doctor says of one thing."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec


class Verdict(StrEnum):
    OK = "ok"
    LOOK = "look"
    WRONG = "wrong"


class Finding(msgspec.Struct, frozen=True):
    """One line: what was looked at, how it is, and what mends it where it is not well."""

    check: str
    verdict: Verdict
    says: str
    mend: str = ""


def ok(check: str, says: str) -> Finding:
    """It is as it should be."""
    return Finding(check, Verdict.OK, says)


def look(check: str, says: str, mend: str = "") -> Finding:
    """Nothing is broken, but somebody should know."""
    return Finding(check, Verdict.LOOK, says, mend)


def wrong(check: str, says: str, mend: str) -> Finding:
    """It does not work, or will not for long."""
    return Finding(check, Verdict.WRONG, says, mend)


def is_well(findings: Iterable[Finding]) -> bool:
    """Whether nothing is wrong."""
    return all(finding.verdict is not Verdict.WRONG for finding in findings)
