"""The contract of a root key, on the local one and on AWS KMS."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from infrastructure.keys.aws_kms import AwsKms
from infrastructure.keys.facts import encode
from infrastructure.keys.keyring import TenantKeyring
from infrastructure.keys.local_root import LocalRootKey
from infrastructure.keys.root_key import KeysUnavailable, RootKey
from infrastructure.keys.sqlite_store import SqliteKeyStore
from infrastructure.keys.wrapping import new_key
from tests.keys.keyrings import read, seal
from tests.keys.localstack import LocalStack

REGION = "eu-central-1"
CONTEXT = {"tenant": "01890a5d-ac96-774b-bcce-b302099a8057", "epoch": "1"}
Roots = Callable[[str], RootKey]


@pytest.fixture(scope="session")
def kms(aws: LocalStack) -> Any:
    """An administrator's client: makes keys and takes them away."""
    return boto3.client("kms", region_name=REGION, endpoint_url=aws.endpoint)


@pytest.fixture
def kms_roots(aws: LocalStack, kms: Any) -> Roots:
    """Root keys in KMS by name."""
    ids: dict[str, str] = {}

    def root(name: str) -> RootKey:
        if name not in ids:
            ids[name] = kms.create_key()["KeyMetadata"]["KeyId"]
        return AwsKms(ids[name], region=REGION, endpoint=aws.endpoint)

    return root


@pytest.fixture(params=["local", "kms"])
def roots(request: pytest.FixtureRequest, tmp_path: Path) -> Roots:
    """Root keys by name: whoever asks for the same name gets the same key, opened anew."""
    if request.param == "local":
        return lambda name: LocalRootKey(tmp_path / name)
    found: Roots = request.getfixturevalue("kms_roots")
    return found


@pytest.mark.requirement("R-INB-3")
async def test_what_it_wrapped_it_gives_back_also_to_another_process(roots: Roots) -> None:
    key, root = new_key(), roots("ours")
    wrapped = await root.wrap(key, CONTEXT)
    assert key not in wrapped
    assert wrapped != await root.wrap(key, CONTEXT)
    assert await root.unwrap(wrapped, CONTEXT) == key
    assert await roots("ours").unwrap(wrapped, dict(reversed(CONTEXT.items()))) == key


@pytest.mark.parametrize(
    "context",
    [
        {},
        {"tenant": CONTEXT["tenant"]},
        CONTEXT | {"epoch": "2"},
        CONTEXT | {"more": "1"},
        {"epoch": "1", "tenant": "x"},
    ],
)
async def test_another_context_is_refused(roots: Roots, context: dict[str, str]) -> None:
    root = roots("ours")
    wrapped = await root.wrap(new_key(), CONTEXT)
    with pytest.raises(KeysUnavailable):
        await root.unwrap(wrapped, context)


async def test_another_root_key_is_refused(roots: Roots) -> None:
    wrapped = await roots("ours").wrap(new_key(), CONTEXT)
    with pytest.raises(KeysUnavailable):
        await roots("theirs").unwrap(wrapped, CONTEXT)


async def test_what_was_changed_cut_or_never_wrapped_is_refused(roots: Roots) -> None:
    root = roots("ours")
    wrapped = await root.wrap(new_key(), CONTEXT)
    places = (0, 1, len(wrapped) // 2, len(wrapped) - 1)
    flipped = [wrapped[:at] + bytes([wrapped[at] ^ 1]) + wrapped[at + 1 :] for at in places]
    cut = [wrapped[:-1], wrapped[1:], wrapped[:20], wrapped[:1], b"", wrapped + b"\0"]
    for wrong in (*flipped, *cut, bytes(len(wrapped))):
        with pytest.raises(KeysUnavailable):
            await root.unwrap(wrong, CONTEXT)


async def test_a_key_that_is_disabled_or_to_be_deleted_opens_nothing_until_it_is_back(
    kms: Any, aws: LocalStack
) -> None:
    id, key = kms.create_key()["KeyMetadata"]["KeyId"], new_key()
    root = AwsKms(id, region=REGION, endpoint=aws.endpoint)
    wrapped = await root.wrap(key, CONTEXT)
    for away, back in ((kms.disable_key, ()), (kms.schedule_key_deletion, (kms.cancel_key_deletion,))):
        away(KeyId=id)
        with pytest.raises(KeysUnavailable):
            await root.unwrap(wrapped, CONTEXT)
        with pytest.raises(KeysUnavailable):
            await root.wrap(key, CONTEXT)
        for undo in (*back, kms.enable_key):
            undo(KeyId=id)
        assert await root.unwrap(wrapped, CONTEXT) == key


async def test_an_alias_names_a_key_too(kms: Any, aws: LocalStack) -> None:
    kms.create_alias(AliasName="alias/helpr", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    key, root = new_key(), AwsKms("alias/helpr", region=REGION, endpoint=aws.endpoint)
    assert await root.unwrap(await root.wrap(key, CONTEXT), CONTEXT) == key


async def test_a_key_that_is_not_there_opens_nothing(aws: LocalStack) -> None:
    with pytest.raises(KeysUnavailable):
        await AwsKms("alias/nobody", region=REGION, endpoint=aws.endpoint).wrap(new_key(), CONTEXT)


@pytest.mark.requirement("R-INB-3")
async def test_what_is_sealed_under_a_key_in_kms_can_be_read_while_kms_allows_it(
    kms: Any, aws: LocalStack, tmp_path: Path
) -> None:
    id = kms.create_key()["KeyMetadata"]["KeyId"]

    def process() -> TenantKeyring:
        root = AwsKms(id, region=REGION, endpoint=aws.endpoint)
        return TenantKeyring(root, SqliteKeyStore(tmp_path / "keys.sqlite"))

    first, second, third = process(), process(), process()
    await first.open_store()
    sealed = await seal(first, "hello", "subject:ann")
    await second.open_store()
    assert await read(second, sealed) == [encode("hello")]
    kms.disable_key(KeyId=id)
    assert await read(second, sealed) == [encode("hello")], "cached, for some minutes"
    with pytest.raises(KeysUnavailable):
        await third.open_store()
    kms.enable_key(KeyId=id)
    await third.open_store()
    assert await read(third, sealed) == [encode("hello")]
    for keyring in (first, second, third):
        await keyring.close()
