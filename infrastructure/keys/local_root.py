"""The embedded root key: 32 bytes in a file that only its owner may read."""

import fcntl
import os
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infrastructure.keys.root_key import Context, KeysUnavailable

VERSION = b"\x01"


class LocalRootKey:
    """Makes the file when there is none; refuses one that others can read or that is not a key."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            _create(path)
        if path.stat().st_mode & 0o077:
            raise KeysUnavailable(f"Others can read the root key. Mend it with: chmod 600 {path}")
        key = path.read_bytes()
        if len(key) != 32:
            raise KeysUnavailable(f"{path} is not a root key of 32 bytes. Restore it from your backup.")
        self._cipher = AESGCM(key)

    async def wrap(self, key: bytes, context: Context) -> bytes:
        """``01 | nonce 12 | ciphertext and tag``."""
        nonce = os.urandom(12)
        return VERSION + nonce + self._cipher.encrypt(nonce, key, _bound(context))

    async def unwrap(self, wrapped: bytes, context: Context) -> bytes:
        try:
            if wrapped[:1] != VERSION:
                raise InvalidTag
            return self._cipher.decrypt(wrapped[1:13], wrapped[13:], _bound(context))
        except (InvalidTag, ValueError):
            raise KeysUnavailable("This root key did not wrap these keys.") from None


def _create(path: Path) -> None:
    """Whole or not at all, under one name only, and never over another process's key."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        if path.exists():
            return
        draft = path.with_name(f"{path.name}.new")
        draft.unlink(missing_ok=True)
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(os.urandom(32))
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
        os.fsync(folder)
    finally:
        os.close(folder)


def _bound(context: Context) -> bytes:
    return msgspec.msgpack.encode(sorted(context.items()))
