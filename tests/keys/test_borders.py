"""Cryptography has one house: everybody else asks infrastructure/keys."""

import ast

import pytest

from tests.architecture.sources import Source, product, source

HOUSE = "infrastructure/keys/"
CRYPTOGRAPHY = {"cryptography", "hashlib", "hmac", "secrets", "argon2", "ssl", "Crypto", "nacl"}
# Runs before anything is installed, and only tells whether sources have changed.
ALLOWED = {"api/web/build.py": {"hashlib"}}


def borrowed(file: Source) -> set[str]:
    """The cryptography that a file imports without being allowed to, also by name at run time."""
    if file.path.startswith(HOUSE):
        return set()
    return ((file.outside | set(_by_name(file.tree))) & CRYPTOGRAPHY) - ALLOWED.get(file.path, set())


def _by_name(tree: ast.Module) -> list[str]:
    """What is imported by calls such as import_module("hashlib")."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    importing = [call for call in calls if ast.unparse(call.func).split(".")[-1] in ("import_module", "__import__")]
    words = [call.args[0] for call in importing if call.args]
    return [
        word.value.split(".")[0] for word in words if isinstance(word, ast.Constant) and isinstance(word.value, str)
    ]


def test_only_the_keys_import_cryptography() -> None:
    files = product()
    assert {file.layer for file in files} == {"domain", "application", "projections", "infrastructure", "api"}
    assert {file.path: found for file in files if (found := borrowed(file))} == {}


def test_what_is_allowed_is_needed() -> None:
    needed = {file.path: file.outside & CRYPTOGRAPHY for file in product() if file.path in ALLOWED}
    assert needed == ALLOWED


@pytest.mark.parametrize(
    "text",
    [
        "import hashlib",
        "import os, secrets",
        "import hmac as h",
        "from hashlib import sha256",
        "from cryptography.hazmat.primitives.ciphers.aead import AESGCM",
        "def later():\n    from argon2 import PasswordHasher",
        "if True:\n    import cryptography.hazmat",
        "import importlib\nimportlib.import_module('hashlib')",
        "__import__('cryptography.fernet')",
    ],
)
def test_each_way_of_importing_it_is_seen(text: str) -> None:
    for path in ("api/main.py", "infrastructure/database/cluster.py", "infrastructure/keys.py"):
        assert borrowed(source(path, text))
    assert not borrowed(source(HOUSE + "digests.py", text))


@pytest.mark.parametrize("text", ["import zlib", "from infrastructure.keys.digests import digest", "hashlib = 1"])
def test_what_is_none_is_free(text: str) -> None:
    assert not borrowed(source("api/main.py", text))
