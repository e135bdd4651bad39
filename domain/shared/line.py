"""What people write on one line: a name, an e-mail address."""

from unicodedata import normalize

from domain.shared.refusal import Malformed

LONGEST_NAME = 200
"""Characters of the name of an organisation or of somebody who works for one."""
LONGEST_ADDRESS = 320
"""Characters of an e-mail address (RFC 3696, erratum 1690)."""


def one_line(field: str, text: str, *, longest: int) -> str:
    """The line as it will be kept, or Malformed: blank, too long, or with characters that are not printed."""
    if not text.strip():
        raise Malformed(field, "must not be blank")
    if len(text) > longest:
        raise Malformed(field, f"must be at most {longest} characters")
    if not text.isprintable():
        raise Malformed(field, "must be one line of printable characters")
    return text.strip()


def email_address(text: str) -> str:
    """The address as it will be kept, or Malformed. Whether somebody reads there, no rule can tell."""
    address = one_line("email", text, longest=LONGEST_ADDRESS)
    if "@" not in address[1:-1] or any(character.isspace() for character in address):
        raise Malformed("email", "must be an e-mail address")
    return address


def folded(address: str) -> str:
    """The same for all ways to write one address. A small letter may be written in two parts where the capital is one
    character, so what was made small is composed once more."""
    return normalize("NFKC", normalize("NFKC", address.strip()).casefold())
