"""A clean-up and dataset versions: their bytes stay, with one making of each, until a person gives them up."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

import solvent
from solvent.config.project import Project
from solvent.errors import NotFoundError
from solvent.runs.clean import Choice, Cleaned, Cleaning
from solvent.runs.datasets import DatasetVersion, find_version, remove_version
from solvent.runs.stores import Stores
from solvent.runs.target import load_pipeline
from tests.runs.whole import check_whole

# What `solvent.runs` and a run's record have opened is closed when they are forgotten.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

ALL = Choice(keep=0)


@solvent.step
def raw(number: int) -> bytes:
    return b"r" * 30_000 + str(number).encode()


@solvent.step(dataset="tables", cache=False)
def table(data: bytes) -> bytes:
    return b"t" + data


@solvent.step
def model(data: bytes) -> bytes:
    return b"m" + data


@solvent.pipeline
def main(number: int = 1) -> bytes:
    return model(table(raw(number)))


PLAIN = """
import solvent

@solvent.step(dataset="plain")
def plain(number: int) -> bytes:
    return b"p" * 30_000 + str(number).encode()

@solvent.pipeline
def simple(number: int = 1) -> bytes:
    return plain(number)
"""


@pytest.fixture
def stores(project: Path) -> Iterator[Stores]:
    with Stores(Project.find()) as opened:
        yield opened


def clean(stores: Stores, choice: Choice = ALL) -> Cleaned:
    return Cleaning(stores, choice, grace_seconds=0).run()


def version(stores: Stores, number: int) -> DatasetVersion:
    return find_version(f"tables@{number}", stores)


def test_versions_outlive_the_runs_that_made_them(stores: Stores) -> None:
    first = solvent.run(main, number=1)
    solvent.run(main, number=1)
    second = solvent.run(main, number=2)
    cleaned = clean(stores)
    # The second run of the first content is not needed to know where it came from.
    assert (cleaned.removed_runs, cleaned.stubs) == (1, 2)
    assert version(stores, 1).value() == b"t" + b"r" * 30_000 + b"1"
    assert [version(stores, number).made_by.run_id for number in (1, 2)] == [first.id, second.id]  # type: ignore[union-attr]
    assert version(stores, 2).current
    assert stores.metadata.rows("SELECT name FROM step_runs WHERE name = 'model'") == []
    assert clean(stores).removed_runs == 0
    check_whole(stores)


@pytest.mark.slow
def test_what_was_removed_goes_and_comes_back_as_the_same_version(stores: Stores) -> None:
    for number in (1, 2, 3):
        solvent.run(main, number=number)
    assert remove_version(version(stores, 3), stores)
    assert not remove_version(version(stores, 3), stores)
    assert find_version("tables", stores).number == 2
    assert version(stores, 3).value()[-1:] == b"3"
    clean(stores)
    gone = version(stores, 3)
    with pytest.raises(NotFoundError, match="tables@3 is on record, but its content is no longer in the store"):
        gone.value()
    assert (gone.made_by, gone.profile, len(gone.uses)) == (None, None, 1)
    assert version(stores, 2).value()[-1:] == b"2"
    solvent.run(main, number=4)
    solvent.run(main, number=3)
    assert (version(stores, 4).value()[-1:], version(stores, 3).value()[-1:]) == (b"4", b"3")
    assert version(stores, 3).current
    check_whole(stores)


@pytest.mark.slow
def test_only_the_bytes_of_a_removed_version_are_dropped_and_made_again(stores: Stores, project: Path) -> None:
    (project / "plain_of_tests.py").write_text(PLAIN)
    pipeline = load_pipeline("plain_of_tests.py")
    for number in (1, 2):
        solvent.run(pipeline, number=number)
    assert Cleaning(stores, Choice()).drop(pretend=True).blobs == 0
    remove_version(find_version("plain@1", stores), stores)
    assert Cleaning(stores, Choice()).drop().blobs == 1
    assert [find_version(f"plain@{number}", stores).artifact.dropped for number in (1, 2)] == [True, False]
    assert find_version("plain@1", stores).value()[-1:] == b"1"


@pytest.mark.slow
def test_a_forecast_is_what_a_clean_up_does(stores: Stores) -> None:
    for number in (1, 2, 3):
        solvent.run(main, number=number)
    remove_version(version(stores, 1), stores)
    preview = Cleaning(stores, ALL, grace_seconds=0).preview()
    cleaned = clean(stores)
    assert (preview.runs.runs - preview.runs.stubs, preview.runs.stubs) == (cleaned.removed_runs, cleaned.stubs)
    assert {each.step: each.size_bytes for each in preview.after} == {
        each.step: each.size_bytes for each in cleaned.after
    }


@pytest.mark.slow
def test_versions_outlive_their_runs_on_a_shared_store(
    project: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOLVENT_METADATA", postgres_url)
    with Stores(Project.find()) as stores:
        test_versions_outlive_the_runs_that_made_them(stores)
        remove_version(version(stores, 1), stores)
        clean(stores)
        with pytest.raises(NotFoundError, match="no longer in the store"):
            version(stores, 1).value()
    gc.collect()
