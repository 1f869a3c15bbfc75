"""Copies of much: how long they take, and that memory does not grow with them."""

from __future__ import annotations

import os
import random
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from solvent.model import ArtifactRef, Identity
from tests import soak
from tests.metadata.records import artifact, digest
from tests.runs.test_copy import Ends, add_run, copy, open_at, rows

pytestmark = [pytest.mark.soak, pytest.mark.skipif(os.name != "posix", reason="needs getrusage")]


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[Ends]:
    with open_at(tmp_path / "here") as here, open_at(tmp_path / "there") as there:
        yield Ends(here, there)


def test_1000_runs_of_10_step_runs(ends: Ends) -> None:
    for number in range(1000):
        reused = [(f"r{number - 1:04}", 0)] if number % 2 else [artifact(("first", number))]
        add_run(
            ends.source, f"r{number:04}", *reused, *(artifact((number, place)) for place in range(9)), started_at=number
        )
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        copy(ends)
        seconds.append(time.perf_counter() - began)
    assert rows(ends.target) == rows(ends.source)
    soak.record("copy: 1,000 runs of 10 step runs", f"{seconds[0]:.1f} s; again {seconds[1]:.1f} s")
    assert seconds[0] < 30


def test_1_gb_in_one_blob(ends: Ends) -> None:
    bits = random.Random(7)
    blob = ends.source.blobs.put((bits.randbytes(4 << 20) for _ in range(256)), "data")
    add_run(ends.source, "big", ArtifactRef(Identity(digest("big"), "m:T"), "raw", blob.size_bytes, blobs=(blob,)))
    ends.source.blobs.sync()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began, cpu = time.perf_counter(), time.process_time()
    copy(ends)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert not ends.target.blobs.missing([blob])
    soak.record("copy: 1 GB in one blob", f"{seconds:.1f} s, {cpu:.1f} s CPU, {grown:.0f} MB more memory", 7)
    assert grown < 64


def test_10000_blobs(ends: Ends) -> None:
    for number in range(100):
        made = []
        for place in range(100):
            data = b"%d %d " % (number, place) * 3000
            blob = ends.source.blobs.put(data)
            made.append(ArtifactRef(Identity(digest(data[:9]), "m:T"), "raw", len(data), blobs=(blob,)))
        add_run(ends.source, f"r{number}", *made, started_at=number)
    began = time.perf_counter()
    copy(ends)
    seconds = time.perf_counter() - began
    soak.record("copy: 10,000 blobs of 20 kB", f"{seconds:.1f} s")
    assert seconds < 120
