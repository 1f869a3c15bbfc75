"""A dataset of many versions: naming one more costs little, and so does asking for any."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from solvent.metadata.datasets import count_versions, current_use, find_digests, find_number, list_versions, use_version
from solvent.metadata.store import MetadataStore
from tests import soak
from tests.metadata.records import INT, digest

pytestmark = pytest.mark.slow
VERSIONS = 10_000


def fill(store: MetadataStore, count: int) -> float:
    """Name so many versions in one transaction, and tell how many seconds one took."""
    began = time.perf_counter()
    with store.transaction():
        for at in range(count):
            use_version(store, "shop", "flights", digest(at), INT, (f"r{at:06}", 0, ""))
    return (time.perf_counter() - began) / count


def test_ten_thousand_versions_are_named_and_listed_quickly(store: MetadataStore) -> None:
    each_seconds = fill(store, VERSIONS)
    questions: dict[str, Callable[[], object]] = {
        "newest": lambda: list_versions(store, "shop", "flights", limit=20),
        "all": lambda: list_versions(store, "shop", "flights"),
        "count": lambda: count_versions(store, "shop", "flights"),
        "number": lambda: find_number(store, "shop", "flights", 5000),
        "digest": lambda: find_digests(store, "shop", "flights", digest(77)[:8]),
        "current": lambda: current_use(store, "shop", "flights"),
        "former": lambda: current_use(store, "shop", "flights", 1),
    }
    took = {}
    for name, ask in questions.items():
        began = time.perf_counter()
        assert ask()
        took[name] = time.perf_counter() - began
    assert each_seconds < 0.001
    assert max(took.values()) < 0.5, took
    soak.record(
        f"a dataset of {VERSIONS:,} versions",
        f"one more named in {each_seconds * 1e6:.0f} µs, the newest 20 listed in {took['newest'] * 1e3:.1f} ms,"
        f" all in {took['all'] * 1e3:.0f} ms",
    )


def test_naming_one_more_takes_a_few_round_trips_to_a_server(postgres_url: str) -> None:
    from solvent.metadata.opening import open_metadata

    with open_metadata("", postgres_url) as store:
        assert fill(store, 500) < 0.004
