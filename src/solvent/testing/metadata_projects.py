"""How a metadata store tells the projects that share it apart, and what it knows of trust."""

from __future__ import annotations

from typing import Any

import pytest

from solvent.errors import NotFoundError
from solvent.metadata.store import MetadataStore
from solvent.metadata.trust import add_trust, find_writers, is_trusted, list_trusted, remove_trust
from solvent.model import Attachment, RunRecord
from solvent.testing.records import INT, add, artifact, execution, run, step_run


def _two_projects(store: MetadataStore) -> MetadataStore:
    add(
        store,
        run("0101-abcd", 1.0, project="ours", status="done"),
        run("0102-abce", 2.0, project="theirs", status="done"),
        run("0103-old", 3.0, status="done"),
        run("0104-abcf", 4.0, project="theirs", status="done"),
    )
    store.project = "ours"
    return store


def _ran(store: MetadataStore, id: str, **fields: Any) -> RunRecord:
    record = run(id, **fields)
    add(store, record)
    return record


class ProjectsContract:
    """Runs of several projects in one store, and who made what. Give a fixture `store`: an open, empty one."""

    def test_latest_is_of_this_project_and_of_runs_from_before_names(self, store: MetadataStore) -> None:
        both = _two_projects(store)
        assert [both.find_run(each).id for each in ("latest", "latest~1")] == ["0103-old", "0101-abcd"]
        with pytest.raises(NotFoundError, match="only 2 runs"):
            both.find_run("latest~2")
        both.project = "theirs"
        assert [both.find_run(each).id for each in ("latest", "latest~2")] == ["0104-abcf", "0102-abce"]
        both.project = None
        assert both.find_run("latest").id == "0104-abcf"

    def test_part_of_an_id_means_a_run_of_this_project_first(self, store: MetadataStore) -> None:
        both = _two_projects(store)
        assert both.find_run("01").id == "0101-abcd"
        assert both.find_run("0104").id == "0104-abcf"
        assert both.find_run("0102-abce").project == "theirs"

    def test_a_project_without_runs_is_told_of_the_others(self, store: MetadataStore) -> None:
        add(store, run("r1", project="theirs"), run("r2", project="others"))
        store.project = "ours"
        with pytest.raises(NotFoundError, match="no run of project 'ours' yet; the store holds runs of others, theirs"):
            store.find_run("latest")

    def test_projects_are_named_once_and_narrow_a_list(self, store: MetadataStore) -> None:
        both = _two_projects(store)
        assert both.projects() == ["", "ours", "theirs"]
        assert [each.id for each in both.list_runs(project="theirs")] == ["0104-abcf", "0102-abce"]
        assert [each.id for each in both.list_runs(project="ours")] == ["0103-old", "0101-abcd"]
        assert len(both.list_runs()) == 4

    def test_a_pipeline_that_only_others_ran_is_told_of(self, store: MetadataStore) -> None:
        add(store, run("r1", project="theirs"), run("r2", project="ours", pipeline="other"))
        store.project = "ours"
        assert store.only_of_others("delays") == "theirs"
        assert store.only_of_others("other") is None
        assert store.only_of_others("nobody's") is None
        store.project = "theirs"
        assert store.only_of_others("delays") is None

    def test_only_runs_of_this_project_are_gone_on_from_and_compared_with(self, store: MetadataStore) -> None:
        add(store, run("r1", 1.0, project="ours", code="c"), run("r2", 2.0, project="theirs", code="c"))
        add(store, step_run("r1", 0, "fit"), step_run("r2", 0, "fit"))
        store.project = "ours"
        assert [each.id for each in store.find_interrupted("p.py", "{}", "c")] == ["r1"]
        assert store.last_run_with_step("delays", "fit") == "r1"

    def test_whoever_made_logged_or_returned_an_artifact_is_its_writer(self, store: MetadataStore) -> None:
        inner, logged, returned = artifact("inner"), artifact("logged"), artifact("returned")
        outer = artifact("outer", "builtins:list", format="collection", children=(inner,))
        made = execution({"": outer}, attachments=(Attachment("text", "note", logged),))
        _ran(store, "r1", project="ours", user="ann", host="laptop")
        _ran(
            store,
            "r2",
            started_at=2.0,
            project="theirs",
            origin="elsewhere",
            result=f'{{"artifact": "{returned.digest}"}}',
        )
        add(store, step_run("r1", 0, execution=made))
        with store.transaction():
            store.add_artifact(returned)
        for each in (outer, inner, logged):
            (writer,) = find_writers(store, each.digest, each.type)
            assert (writer.run_id, writer.project, writer.origin) == ("r1", "ours", None)
            assert (writer.user, writer.host) == ("ann", "laptop")
        (writer,) = find_writers(store, returned.digest, INT)
        assert (writer.run_id, writer.origin) == ("r2", "elsewhere")
        assert find_writers(store, "0" * 64, INT) == []

    def test_trust_is_given_once_listed_and_taken_back(self, store: MetadataStore) -> None:
        digest = artifact("x").digest
        assert not is_trusted(store, digest)
        with store.transaction():
            add_trust(store, digest, "ann")
            add_trust(store, digest, "bob")
        assert [(each.digest, each.author) for each in list_trusted(store)] == [(digest, "ann")]
        assert is_trusted(store, digest)
        with store.transaction():
            assert remove_trust(store, digest)
            assert not remove_trust(store, digest)
        assert list_trusted(store) == []
