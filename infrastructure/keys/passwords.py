"""Argon2id (RFC 9106) in threads, one a core: each hash takes 64 MiB, so more at once would be a memory bomb."""

import asyncio
import os
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher, Type, extract_parameters
from argon2.exceptions import Argon2Error, InvalidHashError

from application.ports import Unavailable

T = TypeVar("T")
STRENGTHS = ("version", "memory_cost", "time_cost", "parallelism", "salt_len", "hash_len")


class PasswordsBusy(Unavailable):
    """Too many people are signing in at once; try again in a moment."""


class Argon2Passwords:
    """64 MiB, 3 rounds, 4 lanes, 16 bytes of salt, 32 of tag: above RFC 9106's second recommended option."""

    def __init__(self, *, memory: int = 64 * 1024, most_waiting: int = 64) -> None:
        self._hasher = PasswordHasher(
            time_cost=3, memory_cost=memory, parallelism=4, hash_len=32, salt_len=16, type=Type.ID
        )
        self._threads = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="passwords")
        self._waiting, self._most_waiting = 0, most_waiting
        # Checking against random bytes takes as long as against a hash, and costs no hash at every start.
        self._nobody = f"$argon2id$v=19$m={memory},t=3,p=4${_text(os.urandom(16))}${_text(os.urandom(32))}"

    async def hash(self, password: str) -> str:
        return await self._run(lambda: self._hasher.hash(password.encode("utf-8", "surrogatepass")))

    async def verify(self, hashed: str | None, password: str) -> bool:
        """Whether the password fits; takes as long for nobody (None) as for somebody."""
        given = password.encode("utf-8", "surrogatepass")

        def check() -> bool:
            try:
                return self._hasher.verify(hashed or self._nobody, given) and hashed is not None
            except (Argon2Error, InvalidHashError):
                return False

        return await self._run(check)

    def is_outdated(self, hashed: str) -> bool:
        """Whether any parameter has risen since; a hash that is stronger than today's stays as it is."""
        then, now = extract_parameters(hashed), extract_parameters(self._nobody)
        return then.type is not now.type or any(getattr(then, what) < getattr(now, what) for what in STRENGTHS)

    def close(self) -> None:
        self._threads.shutdown()

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= self._most_waiting:
            raise PasswordsBusy
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1


def _text(raw: bytes) -> str:
    """Base64 without padding, as in a PHC string."""
    return b64encode(raw).decode().rstrip("=")
