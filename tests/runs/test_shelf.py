"""Live values stay within a limit: the oldest large ones that the store has are given up, and read again when needed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import solvent
from solvent import pipeline, step
from solvent.model import ArtifactRef, Identity
from solvent.runs import shelf
from solvent.runs.shelf import Shelf, size_bytes
from solvent.runs.state import Output

MB = 1 << 20


def held(size: int, *, stored: bool = True) -> Output:
    identity = Identity("d" * 64, "builtins:bytes")
    return Output(identity, artifact=ArtifactRef(identity, "bytes", size, b"") if stored else None, value=bytes(size))


def ended(*outputs: Output, fields: bool = False) -> Any:
    paths = {(f"f{number}",): each for number, each in enumerate(outputs[1:])} | {(): outputs[0]}
    return SimpleNamespace(
        outputs=paths, call=SimpleNamespace(step=SimpleNamespace(fields={"f0": int} if fields else {}))
    )


def test_the_oldest_are_given_up_first_and_small_ones_never() -> None:
    shelf = Shelf(5 * MB)
    outputs = [held(2 * MB), held(100), held(2 * MB), held(2 * MB)]
    for output in outputs:
        shelf.take(ended(output))
    assert [output.live for output in outputs] == [False, True, True, True]


def test_what_is_not_stored_yet_stays() -> None:
    shelf = Shelf(MB)
    waiting, stored = held(2 * MB, stored=False), held(2 * MB)
    shelf.take(ended(waiting))
    shelf.take(ended(stored))
    assert (waiting.live, stored.live) == (True, False)
    waiting.artifact = stored.artifact
    shelf.take(ended(held(2 * MB)))
    assert not waiting.live


def test_the_whole_goes_with_its_fields() -> None:
    shelf = Shelf(MB)
    whole, field = held(2 * MB, stored=False), held(2 * MB)
    shelf.take(ended(whole, field, fields=True))
    assert (whole.live, field.live) == (False, False)


def test_a_value_that_is_at_hand_again_counts_again() -> None:
    shelf = Shelf(3 * MB)
    first, second = held(2 * MB), held(2 * MB)
    shelf.take(ended(first))
    shelf.take(ended(second))
    assert not first.live
    first.hold(bytes(2 * MB))
    shelf.take(ended(first))
    assert (first.live, second.live) == (True, False)


@pytest.mark.parametrize(("value", "size"), [(b"abc", 3), (7, 0), (object(), 0), ([b"a" * 1000, b"b" * 1000], 2000)])
def test_values_say_how_large_they_are(value: object, size: int) -> None:
    assert size <= size_bytes(value) < size + 200


def test_a_list_that_holds_itself_has_a_size() -> None:
    ring: list[Any] = []
    ring.append(ring)
    assert 0 < size_bytes(ring) < 1000


@step
def make(n: int) -> bytes:
    return bytes([n]) * (2 * MB)


@step
def join(first: bytes, second: bytes) -> int:
    return len(first) + first[0] + second[0]


@pipeline
def many() -> int:
    made = [make(n) for n in range(6)]
    return sum(solvent.value(join(made[0], each)) for each in made)


@pytest.mark.slow
@pytest.mark.usefixtures("project")
def test_a_run_reads_again_what_it_gave_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "SHARE", 1e-9)
    run = solvent.run(many, engine="inline")
    assert run.result == 6 * 2 * MB + sum(range(6))
