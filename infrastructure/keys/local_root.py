"""The embedded root key: 32 bytes in a file that only its owner may read."""

import os
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infrastructure.keys.root_key import Context, KeysUnavailable


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
        nonce = os.urandom(12)
        return nonce + self._cipher.encrypt(nonce, key, _bound(context))

    async def unwrap(self, wrapped: bytes, context: Context) -> bytes:
        try:
            return self._cipher.decrypt(wrapped[:12], wrapped[12:], _bound(context))
        except InvalidTag:
            raise KeysUnavailable("This root key did not wrap these keys.") from None


def _create(path: Path) -> None:
    """Whole or not at all, and never over another process's key."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(os.urandom(32))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    directory = os.open(path.parent, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)


def _bound(context: Context) -> bytes:
    return msgspec.msgpack.encode(sorted(context.items()))
