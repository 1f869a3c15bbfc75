import threading
from pathlib import Path

import pytest

from solvent.artifacts.store import LocalBlobs
from solvent.model import Blob
from solvent.runs import haul
from solvent.runs.haul import Haul


class Synced(LocalBlobs):
    """A store that counts how often what was brought is made durable."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.syncs = 0

    def sync(self) -> None:
        self.syncs += 1
        super().sync()


def stored(store: LocalBlobs, count: int) -> list[Blob]:
    blobs = [store.put(b"%5d" % number) for number in range(count)]
    store.sync()
    return blobs


def test_much_is_made_durable_on_the_way_and_not_only_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(haul, "_BUNCH_BLOBS", 4)
    monkeypatch.setattr(haul, "_UNSYNCED_BYTES", 50)
    source, target = LocalBlobs(tmp_path / "source"), Synced(tmp_path / "target")
    blobs = stored(source, 40)
    bringing = Haul(source, target, parallel=2, moved=lambda size_bytes: None)
    assert bringing.bring(blobs) == {}
    bringing.close()
    assert target.syncs >= 1
    assert target.missing(blobs) == []


def test_what_is_missing_at_the_source_is_told_and_the_rest_arrives(tmp_path: Path) -> None:
    source, target = LocalBlobs(tmp_path / "source"), LocalBlobs(tmp_path / "target")
    blobs, absent, sizes = stored(source, 5), Blob("0" * 64, 3), list[int]()
    bringing = Haul(source, target, parallel=2, moved=sizes.append)
    assert bringing.bring([*blobs, absent]).keys() == {absent.digest}
    bringing.close()
    assert target.missing(blobs) == []
    assert sum(sizes) == 25
    assert not [each for each in threading.enumerate() if each.name.startswith("solvent-copy")]
