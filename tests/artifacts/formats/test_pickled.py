"""What only pickle can store is marked; what not even pickle can store is named with the path inside the value."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from solvent.artifacts.saving import load, save
from solvent.artifacts.store import LocalBlobs
from solvent.errors import FormatError
from solvent.model import Identity

FOR_NOW = Identity("0" * 64, "tests:Thing")


class Thing:
    def __init__(self, part: Any) -> None:
        self.part = part


def test_a_plain_object_is_pickled_and_comes_back(blobs: LocalBlobs) -> None:
    ref = save(Thing([1, 2]), FOR_NOW, blobs)
    assert ref.pickled
    assert load(ref, blobs).part == [1, 2]
    with pytest.raises(FormatError, match="forbids"):
        load(ref, blobs, allow_pickle=False)


def test_a_list_with_a_pickled_part_is_marked_too(blobs: LocalBlobs) -> None:
    ref = save([1, Thing(2)], FOR_NOW, blobs)
    assert ref.format == "collection"
    assert ref.pickled
    assert load(ref, blobs)[1].part == 2
    with pytest.raises(FormatError):
        load(ref, blobs, allow_pickle=False)


def test_the_part_that_can_not_be_pickled_is_named(blobs: LocalBlobs) -> None:
    with pytest.raises(FormatError, match=r"a _thread.lock can't be stored") as caught:
        save(Thing({"a": [Thing(1), Thing(threading.Lock())]}), FOR_NOW, blobs)
    assert caught.value.where == "value.part['a'][1].part"


def test_an_object_whose_class_is_gone_says_so(blobs: LocalBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    ref = save(Thing(1), FOR_NOW, blobs)
    monkeypatch.delattr(f"{__name__}.Thing")
    with pytest.raises(FormatError, match="needs code that is gone"):
        load(ref, blobs)
