"""The root key in AWS KMS: it wraps 32-byte keys under an encryption context that holds ids only."""

import asyncio
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infrastructure.keys.root_key import Context, KeysUnavailable


class AwsKms:
    """``key`` is a key id, ARN or alias. Calls run in threads and end within about 10 s, two tries included."""

    def __init__(self, key: str, *, region: str, endpoint: str | None = None) -> None:
        timeouts = Config(connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 2})
        self._key = key
        self._client: Any = boto3.client("kms", region_name=region, endpoint_url=endpoint, config=timeouts)

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
        call = getattr(self._client, what)
        try:
            answer: dict[str, Any] = await asyncio.to_thread(
                call, KeyId=self._key, EncryptionContext=dict(context), **details
            )
        except (BotoCoreError, ClientError) as error:
            raise KeysUnavailable(f"KMS refused to {what}: {type(error).__name__}") from error
        return answer


def _bytes(answer: dict[str, Any], name: str) -> bytes:
    value = answer.get(name)
    if not isinstance(value, bytes) or not value:
        raise KeysUnavailable("KMS answered something unreadable.")
    return value
