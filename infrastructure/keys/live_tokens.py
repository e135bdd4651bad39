"""Tokens for live connections: claims and an HMAC-SHA-256 whose key changes every hour."""

import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from uuid import UUID

import msgspec

from application.ports import Claims, TokenRefused
from infrastructure.keys.digests import keyed, same

__all__ = ["Claims", "LiveTokens", "TokenRefused"]

HOUR = 3600
LIFE = 3600
"""Seconds for which a token is good, at most."""


class LiveTokens:
    """Tokens of this hour and the last are good; ``master`` is the same in every process of a cell."""

    def __init__(self, master: bytes, *, clock: Callable[[], float] = time.time) -> None:
        self._master, self._clock = master, clock

    def issue(self, audience: str, tenant: UUID, id: UUID, session: UUID | None = None) -> tuple[str, int]:
        """A token, and the second at which it expires."""
        now = int(self._clock())
        claims = Claims(audience, tenant, id, session, now + LIFE)
        body = urlsafe_b64encode(msgspec.msgpack.encode(claims)).decode()
        return f"{body}.{self._mac(body, now // HOUR)}", claims.until

    def check(self, token: str, audience: str) -> Claims:
        """The claims of a good token; raises TokenRefused."""
        body, _, mac = token.partition(".")
        now = int(self._clock())
        given = mac.encode("utf-8", "surrogatepass")
        if not any(same(given, self._mac(body, now // HOUR - ago).encode()) for ago in (0, 1)):
            raise TokenRefused
        try:
            claims = msgspec.msgpack.decode(urlsafe_b64decode(body), type=Claims)
        except (ValueError, msgspec.MsgspecError):
            raise TokenRefused from None
        if claims.until <= now or claims.audience != audience:
            raise TokenRefused
        return claims

    def _mac(self, body: str, hour: int) -> str:
        return keyed(keyed(self._master, "hour", str(hour)), "live token", body).hex()
