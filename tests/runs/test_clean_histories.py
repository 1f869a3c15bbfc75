"""Whatever runs there were and whatever a clean-up is asked for: what stays is whole, and nothing is left over."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import solvent
from solvent.config.project import Project
from solvent.errors import StepFailed
from solvent.metadata.pins import add_pin, remove_pins
from solvent.runs.clean import Choice, Cleaning
from solvent.runs.stores import Stores
from tests.runs.whole import check_whole

pytestmark = pytest.mark.slow


class Halves(NamedTuple):
    first: bytes
    second: bytes


@solvent.step
def raw(number: int) -> Halves:
    whole = b"%d" % number * 40_000
    return Halves(whole[:30_000], whole[30_000:])


@solvent.step
def joined(first: bytes, second: bytes) -> list[bytes]:
    solvent.log.text("report", "x" * 20_000 + str(len(first)))
    return [first + second, second]


@solvent.step(cache=False)
def uncached(parts: list[bytes], depth: int) -> bytes:
    if depth > 3:
        raise ValueError("too deep")
    return parts[0][: 20_000 + depth]


@solvent.pipeline
def main(number: int = 1, depth: int = 1) -> tuple[bytes, dict[str, Any]]:
    halves = raw(number)
    parts = joined(halves.first, halves.second)
    return uncached(parts, depth), {"made": b"in the body" * 2000, "parts": parts}


@solvent.pipeline
def other(number: int = 1, twice: bool = False) -> bytes:
    halves = raw(number)
    if twice:
        raw(number)
    return halves.first


RUNS = st.one_of(
    st.tuples(st.just(main), st.fixed_dictionaries({"number": st.integers(1, 3), "depth": st.integers(1, 4)})),
    st.tuples(st.just(other), st.fixed_dictionaries({"number": st.integers(1, 3), "twice": st.booleans()})),
)
CHOICES = st.builds(
    Choice,
    keep=st.none() | st.integers(0, 2),
    pipeline=st.none() | st.sampled_from(["main", "other"]),
    status=st.none() | st.sampled_from(["done", "failed"]),
    tag=st.none() | st.just("good"),
    not_tag=st.none() | st.just("good"),
)
ACTS = st.one_of(
    st.tuples(st.just("run"), RUNS),
    st.tuples(st.just("run"), RUNS),
    st.tuples(st.sampled_from(["tag", "pin", "unpin", "pin output"]), st.integers(0, 5)),
    st.tuples(st.sampled_from(["clean", "drop"]), CHOICES),
    st.tuples(st.just("clean"), CHOICES),
)


@contextmanager
def project() -> Iterator[Stores]:
    before = os.getcwd()
    with TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("solvent.toml").write_text("")
        try:
            with Stores(Project.find()) as stores:
                yield stores
        finally:
            os.chdir(before)


def act(stores: Stores, name: str, what: Any) -> None:
    listed = solvent.runs(limit=100)
    if name == "run":
        pipeline, config = what
        try:
            solvent.run(pipeline, **config)
        except StepFailed:
            assert config["depth"] > 3
    elif name in ("clean", "drop"):
        getattr(Cleaning(stores, what), {"clean": "run", "drop": "drop"}[name])()
    elif listed:
        point(stores, name, listed[what % len(listed)])


def point(stores: Stores, name: str, run: Any) -> None:
    with stores.metadata.transaction():
        if name == "tag":
            stores.metadata.add_tag("run", run.id, "good", "me")
        elif name == "pin":
            add_pin(stores.metadata, "run", run.id, "kept", "me")
        elif name == "unpin":
            remove_pins(stores.metadata, "run", run.id)
        else:
            made = run["raw"][0].artifacts["first"]
            add_pin(stores.metadata, "artifact", f"{made.digest} {made.type}", "champion", "me")


@settings(max_examples=10)
@given(history=st.lists(ACTS, min_size=3, max_size=12), last=CHOICES)
def test_after_any_history_what_stays_is_whole(history: list[tuple[str, Any]], last: Choice) -> None:
    with project() as stores:
        for name, what in history:
            act(stores, name, what)
        pinned = {row[0] for row in stores.metadata.rows("SELECT subject FROM pins WHERE kind = 'run'")}
        plan = Cleaning(stores, last).preview()
        report = Cleaning(stores, last).run()
        assert plan.after == report.after
        assert pinned <= {run.id for run in solvent.runs(limit=100)}
        check_whole(stores)
