import re
from collections.abc import Callable

import pytest

from solvent.metadata import datasets
from solvent.metadata.datasets import use_version
from solvent.metadata.datatransfers import read_uses
from solvent.metadata.dropped import find_dropped, list_dropped
from solvent.metadata.makers import holders_of_blob, makers
from solvent.metadata.pins import list_pins
from solvent.metadata.profiles import StoredProfile, add_profile, find_profile
from solvent.metadata.store import MetadataStore
from solvent.metadata.transfers import read_contents
from solvent.metadata.trust import find_writers, is_trusted
from tests.metadata.records import INT, add, artifact, digest, execution, run, step_run, taken


@pytest.fixture
def filled(store: MetadataStore) -> MetadataStore:
    """One run with a step that made something and one that took it: each query meets a row."""
    add(store, run("r1", code="c"), step_run("r1", 0, "load", execution=execution({"": artifact(1)})))
    store.write(lambda: use_version(store, "shop", "flights", artifact(1).digest, INT, ("r1", 0, "")))
    store.write(lambda: add_profile(store, artifact(1).digest, INT, StoredProfile("made", None, None, "{}")))
    add(store, step_run("r1", 1, inputs=(taken("x", artifact(1), "r1", 0),), execution=execution({"": artifact(2)})))
    return store


READS: dict[str, Callable[[MetadataStore], object]] = {
    "find_executions": lambda store: store.find_executions(digest("r1", 0)),
    "find_adoptable": lambda store: store.find_adoptable("r1", "load", digest("r1", 0), 0),
    "list_step_runs": lambda store: store.list_step_runs("r1"),
    "list_step_runs short": lambda store: store.list_step_runs("r1", whole=False),
    "step_run": lambda store: store.step_run("r1", 1),
    "list_parts": lambda store: store.list_parts("r1", "fit"),
    "last_run_with_step": lambda store: store.last_run_with_step("delays", "fit"),
    "mean_seconds": lambda store: store.mean_seconds("fit", "delays"),
    "find_interrupted": lambda store: store.find_interrupted("p.py", "{}", "c"),
    "find_run by a part of its id": lambda store: store.find_run("r"),
    "list_runs": lambda store: store.list_runs(),
    "list_runs of a status": lambda store: store.list_runs(status=("running", "interrupted")),
    "list_runs of a pipeline": lambda store: store.list_runs("delays"),
    "list_runs of a tag": lambda store: store.list_runs(tag="good"),
    "list_runs before": lambda store: store.list_runs(before="r1"),
    "find_run latest": lambda store: store.find_run("latest", "delays"),
    "only_of_others": lambda store: store.only_of_others("delays"),
    "projects": lambda store: store.projects(),
    "writers": lambda store: find_writers(store, artifact(1).digest, INT),
    "is_trusted": lambda store: is_trusted(store, artifact(1).digest),
    "makers": lambda store: makers(store, artifact(1).digest, INT),
    "holders_of_blob": lambda store: holders_of_blob(store, digest("x")),
    "find_dropped": lambda store: find_dropped(store, [digest("x")]),
    "list_dropped": lambda store: list_dropped(store, "", 500),
    "list_pins of a run": lambda store: list_pins(store, "run", "r1"),
    "has_step_run": lambda store: store.has_step_run("r1", 0),
    "read_contents": lambda store: read_contents(store, [store.find_run("r1")]),
    "list_runs of a project": lambda store: store.list_runs(project="delays"),
    "find_artifact": lambda store: store.find_artifact(artifact(1).digest[:10]),
    "list_artifacts": lambda store: store.list_artifacts(),
    "list_artifacts of a run": lambda store: store.list_artifacts("r1"),
    "producers": lambda store: store.producers(artifact(1).digest, INT),
    "consumers": lambda store: store.consumers(artifact(1).digest, INT),
    "walk_up": lambda store: store.walk_up(artifact(2).digest, INT),
    "walk_down": lambda store: store.walk_down(artifact(1).digest, INT),
    "all_blobs": lambda store: list(store.all_blobs()),
    "recall_files": lambda store: store.recall_files([("/x", 1, 2, 3, 4, 5), ("/y", 1, 2, 3, 4, 5)]),
    "load_code": lambda store: store.load_code("c"),
    "notes": lambda store: store.notes("run", "r1"),
    "tags": lambda store: store.tags("run", "r1"),
    "has_versions": lambda store: datasets.has_versions(store, "shop", "flights"),
    "dataset_names": lambda store: datasets.dataset_names(store),
    "count_versions": lambda store: datasets.count_versions(store, "shop", "flights"),
    "list_versions": lambda store: datasets.list_versions(store, "shop", "flights", limit=20, before=9),
    "find_number": lambda store: datasets.find_number(store, "shop", "flights", 1),
    "find_digests": lambda store: datasets.find_digests(store, "shop", "flights", "ab12"),
    "versions_of": lambda store: datasets.versions_of(store, artifact(1).digest),
    "current_use": lambda store: datasets.current_use(store, "shop", "flights"),
    "current_use before": lambda store: datasets.current_use(store, "shop", "flights", 1),
    "list_uses": lambda store: datasets.list_uses(store, "shop", "flights", limit=5),
    "list_uses of a version": lambda store: datasets.list_uses(store, "shop", "flights", 1),
    "first_uses": lambda store: datasets.first_uses(store, "shop", "flights", 1),
    "datasets_of_run": lambda store: datasets.datasets_of_run(store, "r1"),
    "use_version": lambda store: datasets.use_version(store, "shop", "flights", "x", INT, ("r2", 0, "")),
    "read_uses": lambda store: read_uses(store, ["r1"]),
    "find_profile": lambda store: find_profile(store, artifact(1).digest),
}


BAD = r"SCAN (?!p$|recent$|h$|CONSTANT|[rb]\w* USING (COVERING )?INDEX)"
"""A scan of anything but what a query has made itself (p, recent, h), or an index in the order that is wanted."""


@pytest.mark.parametrize("read", READS)
def test_no_query_reads_a_whole_table_or_sorts_one(filled: MetadataStore, read: str) -> None:
    seen: list[str] = []
    filled.connection.set_trace_callback(seen.append)
    READS[read](filled)
    filled.connection.set_trace_callback(None)
    selects = [sql for sql in seen if sql.lstrip().startswith(("SELECT", "WITH"))]
    assert selects
    for sql in selects:
        plan = [row[3] for row in filled.rows(f"EXPLAIN QUERY PLAN {sql}")]
        assert [line for line in plan if re.match(BAD, line)] == [], plan


def test_deleting_a_run_finds_what_belongs_to_it_by_index(filled: MetadataStore) -> None:
    with filled.transaction():
        filled.execute("DELETE FROM runs WHERE id = 'r1'")
    for table in ("step_runs", "outputs", "inputs"):
        assert filled.row(f"SELECT COUNT(*) FROM {table}") == (0,)
    assert filled.row("SELECT COUNT(*) FROM artifacts") == (2,)
