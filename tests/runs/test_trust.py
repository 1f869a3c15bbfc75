"""Code of other projects is read only when somebody vouched for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from solvent.artifacts.saving import runs_code
from solvent.config.project import Project
from solvent.errors import TrustError
from solvent.metadata.answers import Writer
from solvent.metadata.trust import add_trust
from solvent.runs.stores import Stores
from solvent.runs.trust import is_own
from solvent.testing.records import add, artifact, execution, run, step_run

PICKLED = artifact("model", "shop:Model", format="pickle", inline=b"\x80\x05K\x07.")


def made_by(stores: Stores, made: Any, **fields: Any) -> None:
    add(
        stores.metadata,
        run("r1", user="ann", host="laptop", **fields),
        step_run("r1", 0, execution=execution({"": made})),
    )


@pytest.fixture
def stores(project: Path) -> Any:
    with Stores(Project.find()._replace(root=str(project / "ours"))) as opened:
        assert opened.project_name == "ours"
        yield opened


@pytest.mark.parametrize(
    ("fields", "own"),
    [
        ({"project": "ours"}, True),
        ({"project": "ours", "origin": "elsewhere"}, True),
        ({}, True),
        ({"origin": "elsewhere"}, False),
        ({"project": "theirs"}, False),
    ],
)
def test_a_pickle_is_read_if_a_run_of_this_project_made_it(stores: Stores, fields: Any, own: bool) -> None:
    made_by(stores, PICKLED, **fields)
    if own:
        assert stores.load(PICKLED) == 7
        return
    with pytest.raises(TrustError) as refused:
        stores.load(PICKLED)
    text = str(refused.value)
    for word in (PICKLED.digest[:12], "shop:Model", "ann on laptop", "r1", f"solvent trust {PICKLED.digest[:12]}"):
        assert word in text
    with stores.metadata.transaction():
        add_trust(stores.metadata, PICKLED.digest, "me")
    assert stores.load(PICKLED) == 7


def test_a_pickle_that_nobody_is_known_to_have_made_is_refused(stores: Stores) -> None:
    with pytest.raises(TrustError, match="nobody knows who made it"):
        stores.load(PICKLED)


def test_what_is_read_without_running_code_needs_no_trust(stores: Stores) -> None:
    made_by(stores, artifact("x"), project="theirs")
    assert stores.load(artifact("x")) == 7


def test_a_pickle_inside_a_collection_counts(stores: Stores) -> None:
    outer = artifact(
        "outer", "builtins:list", format="collection", children=(PICKLED,), inline=b'[{"$":"child","v":0}]'
    )
    made_by(stores, outer, project="theirs")
    with pytest.raises(TrustError):
        stores.load(outer)


def test_types_that_a_writer_called_safe_count_as_code() -> None:
    assert not runs_code(artifact("m", format="skops", meta={"trusted": []}))
    assert runs_code(artifact("m", format="skops", meta={"trusted": ["shop.Model"]}))


def test_a_project_that_forbids_pickle_reads_none_of_its_own_either(stores: Stores) -> None:
    stores.project = replaced(stores.project, allow_pickle=False)
    made_by(stores, PICKLED, project="ours")
    with pytest.raises(TrustError, match="this project forbids"):
        stores.load(PICKLED)


def replaced(project: Project, **settings: Any) -> Project:
    return project._replace(settings=project.settings._replace(**settings))


def test_a_run_is_own_by_its_name() -> None:
    writer = Writer("r1", "ours", None, "ann", "laptop", 1.0)
    assert is_own(writer, "ours")
    assert not is_own(writer, "theirs")
    assert replace(PICKLED, inline=None).pickled
