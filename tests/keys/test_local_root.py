"""The root key in a file: made once, whole, for its owner only, and never made again over another."""

import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infrastructure.keys.local_root import LocalRootKey
from infrastructure.keys.root_key import KeysUnavailable

CONTEXT = {"tenant": "x"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "secrets" / "root.key"


@pytest.mark.requirement("R-PRI-7")
def test_only_its_owner_may_read_it(file: Path) -> None:
    LocalRootKey(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert len(file.read_bytes()) == 32


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o644, 0o660, 0o602])
def test_one_that_others_can_read_is_refused_with_its_remedy(file: Path, mode: int) -> None:
    LocalRootKey(file)
    file.chmod(mode)
    with pytest.raises(KeysUnavailable, match=f"chmod 600 {file}"):
        LocalRootKey(file)


@pytest.mark.parametrize("content", [b"", b"x" * 31, b"x" * 33])
def test_a_file_that_is_no_key_is_refused_and_left_as_it_is(file: Path, content: bytes) -> None:
    LocalRootKey(file)
    file.write_bytes(content)
    with pytest.raises(KeysUnavailable, match="backup"):
        LocalRootKey(file)
    assert file.read_bytes() == content


async def test_a_start_that_broke_off_leaves_nothing_in_the_way(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor a second name of the key, whatever number its process had: in a container it is the same every time."""
    for syncs_before in range(2):
        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", fails_after(syncs_before))
            with pytest.raises(OSError, match="power"):
                LocalRootKey(file)
    key = bytes(range(32))
    wrapped = await LocalRootKey(file).wrap(key, CONTEXT)
    assert await LocalRootKey(file).unwrap(wrapped, CONTEXT) == key
    assert list(file.parent.iterdir()) == [file]


def fails_after(times: int) -> Callable[[int], None]:
    left = iter(range(times))

    def fsync(_: int) -> None:
        if next(left, None) is None:
            raise OSError("no power")

    return fsync


async def test_starts_at_the_same_time_agree_on_one_key(file: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        roots = list(threads.map(lambda _: LocalRootKey(file), range(8)))
    key = bytes(range(32))
    wrapped = await roots[0].wrap(key, CONTEXT)
    assert [await root.unwrap(wrapped, CONTEXT) for root in roots] == [key] * 8
    assert list(file.parent.iterdir()) == [file]
