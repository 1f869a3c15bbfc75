"""A clean-up of stores that a team shares: metadata in PostgreSQL, artifacts in an object store."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

import solvent
from solvent.config.project import Project
from solvent.metadata.pins import add_pin
from solvent.runs.beside import others_writing
from solvent.runs.clean import Choice, Cleaning
from solvent.runs.stores import Stores
from tests.object_servers import seaweed
from tests.runs.whole import check_whole
from tests.servers import wait_until

# What `solvent.runs` and a run's record have opened is closed when they are forgotten.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]
_numbers = count()


@solvent.step
def raw(number: int) -> bytes:
    return b"r" * 30_000 + str(number).encode()


@solvent.step
def model(data: bytes, depth: int) -> list[bytes]:
    return [data[:20_000] + b"m" * depth, data]


@solvent.step
def held(number: int) -> int:
    reached.set()
    assert opened.wait(30)
    return number


@solvent.pipeline
def main(number: int = 1, depth: int = 1) -> list[bytes]:
    return model(raw(number), depth)


@solvent.pipeline
def spanning(number: int = 1, depth: int = 1) -> list[bytes]:
    data = raw(number)
    held(number)
    return model(data, depth)


reached, opened = threading.Event(), threading.Event()


@pytest.fixture
def shared_metadata(project: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stores]:
    monkeypatch.setenv("SOLVENT_METADATA", postgres_url)
    with Stores(Project.find()) as stores:
        # A server that has just begun takes every lock for held: its holders may be about to come back.
        wait_until(lambda: not others_writing(stores.locks))
        yield stores


@pytest.fixture
def shared_objects(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stores]:
    server = seaweed()
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SOLVENT_ARTIFACTS", server.url(f"clean-{os.getpid()}-{next(_numbers)}"))
    with Stores(Project.find()) as stores:
        yield stores


def clean_beside(stores: Stores) -> None:
    """Clean what a run at work reuses, then the rest, then all."""
    first = solvent.run(main, depth=1)
    for depth in (2, 3):
        solvent.run(main, depth=depth)
    reached.clear()
    opened.clear()
    found: list[solvent.Run] = []
    thread = threading.Thread(target=lambda: found.append(solvent.run(spanning, depth=2)))
    thread.start()
    assert reached.wait(30)
    try:
        report = Cleaning(stores, Choice(pipeline="main"), grace_seconds=0.0).run()
    finally:
        opened.set()
        thread.join(30)
    assert (report.removed_runs, report.held_runs) == (0, 3)
    assert found[0]["raw"].status == "reused"
    report = Cleaning(stores, Choice(), grace_seconds=0.0).run()
    assert (report.removed_runs, report.stubs) == (2, 1)
    check_whole(stores)
    assert [step.name for step in stores.metadata.list_step_runs(first.id)] == ["raw"]
    with stores.metadata.transaction():
        add_pin(stores.metadata, "run", found[0].id, "kept", "me")
    assert Cleaning(stores, Choice(keep=0), grace_seconds=0.0).run().removed_runs == 0
    check_whole(stores)
    assert solvent.runs()[0].result == found[0].result


def test_on_postgresql(shared_metadata: Stores) -> None:
    clean_beside(shared_metadata)


def test_on_an_object_store(shared_objects: Stores) -> None:
    clean_beside(shared_objects)


def test_young_bytes_of_a_shared_store_are_spared(shared_objects: Stores) -> None:
    young = shared_objects.blobs.put(b"y" * 20_000)
    shared_objects.blobs.sync()
    report = Cleaning(shared_objects, Choice()).run()
    assert (report.swept.removed_bytes, report.swept.young_bytes) == (0, 20_000)
    assert not shared_objects.blobs.renew([young])


def test_what_an_object_store_lost_is_sent_again_from_the_cache(shared_objects: Stores) -> None:
    blob = shared_objects.blobs.put(b"y" * 20_000)
    shared_objects.blobs.sync()
    with Stores(Project.find()) as others:
        key = f"objects/{blob.digest[:2]}/{blob.digest[2:]}"
        others.blobs.remote.remove([key])  # type: ignore[attr-defined]
    assert shared_objects.blobs.missing([blob]) == []
    assert shared_objects.blobs.renew([blob]) == []
    with Stores(Project.find()) as others:
        assert others.blobs.missing([blob]) == []
