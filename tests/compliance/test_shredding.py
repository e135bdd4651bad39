"""The record of an erasure says how many keys died, however often it took to write it."""

from pathlib import Path
from typing import Any

import pytest

from application.compliance.erasure import shred
from application.ports import Receipt
from domain.compliance.erasure import Erasure
from domain.compliance.events import ErasureDecided, ErasureReason, KeysDestroyed
from infrastructure.event_log.appending import LogUnavailable
from infrastructure.keys.digests import new_id
from infrastructure.keys.local_root import LocalRootKey
from infrastructure.keys.sqlite_store import SqliteKeyStore
from tests.event_log.process import asked
from tests.event_log.writing import ACME
from tests.keys.keyrings import ring

pytestmark = pytest.mark.requirement("R-PRI-2")
ANN = new_id()


class Forgetful:
    """A log that is away the first time."""

    def __init__(self) -> None:
        self.said: list[Any] = []
        self._is_away = True

    async def change(self, memory: type[Erasure], stream: Any, decide: Any, *, asked: Any) -> Receipt:
        if self._is_away:
            self._is_away = False
            raise LogUnavailable
        self.said.append(decide(memory().after(ErasureDecided(subject=ANN, reason=ErasureReason.REQUESTED))))
        return Receipt(position=1, version=1)


async def test_keys_that_died_before_it_could_be_written_are_counted(tmp_path: Path) -> None:
    keyring = ring(LocalRootKey(tmp_path / "root.key"), SqliteKeyStore(tmp_path / "keys.sqlite"))
    await keyring.open_store()
    await keyring.keys_for(ACME, [f"subject:{ANN}"])
    log: Any = Forgetful()
    with pytest.raises(LogUnavailable):
        await shred(ANN, asked=asked(), events=log, keyring=keyring)
    assert await keyring.living(ACME, f"subject:{ANN}") == 0
    await shred(ANN, asked=asked(), events=log, keyring=keyring)
    await keyring.close()
    assert log.said == [KeysDestroyed(subject=ANN, keys=1)]
