"""The root key in AWS KMS: it wraps 32-byte keys under an encryption context that holds ids only."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import boto3
from botocore.config import Config

from infrastructure.keys.line import Line
from infrastructure.keys.root_key import Context, KeysUnavailable

TIMEOUTS = Config(connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 2})
DEADLINE = 10.0
"""Seconds after which nobody waits for an answer any more, whatever KMS sends meanwhile."""
THREADS = 8
MOST_WAITING = 64
"""How many questions may wait for an answer: the last of them still has one in time from a KMS that takes a second."""


class AwsKms:
    """``key`` is a key id, ARN or alias. It has threads of its own: a silent KMS holds up nobody else."""

    def __init__(self, key: str, *, region: str, endpoint: str | None = None) -> None:
        self._key = key
        self._client: Any = boto3.client("kms", region_name=region, endpoint_url=endpoint, config=TIMEOUTS)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="kms")
        self._line = Line(MOST_WAITING)

    async def wrap(self, key: bytes, context: Context) -> bytes:
        answer = await self._ask("encrypt", Plaintext=key, context=context)
        return _bytes(answer, "CiphertextBlob")

    async def unwrap(self, wrapped: bytes, context: Context) -> bytes:
        answer = await self._ask("decrypt", CiphertextBlob=wrapped, context=context)
        key = _bytes(answer, "Plaintext")
        if len(key) != 32:
            raise KeysUnavailable("KMS gave something that is not a key.")
        return key

    async def _ask(self, what: str, *, context: Context, **details: Any) -> dict[str, Any]:
        ask = partial(getattr(self._client, what), KeyId=self._key, EncryptionContext=dict(context), **details)
        try:
            with self._line:
                asked = asyncio.get_running_loop().run_in_executor(self._threads, ask)
                answer: dict[str, Any] = await asyncio.wait_for(asked, DEADLINE)
        except KeysUnavailable:
            raise
        except Exception as error:
            # Not only the SDK's own kinds: on garbage it stumbles over it, and may repeat it, half a key included.
            raise KeysUnavailable(f"KMS refused to {what}: {type(error).__name__}") from None
        return answer


def _bytes(answer: dict[str, Any], name: str) -> bytes:
    value = answer.get(name)
    if not isinstance(value, bytes) or not value:
        raise KeysUnavailable("KMS answered something unreadable.")
    return value
