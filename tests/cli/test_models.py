"""What `solvent models`, `note` and `tag` say of versions; those here are rows whose bundles a clean-up took."""

import json
from pathlib import Path

import pytest

from solvent.cli.main import main
from solvent.config.project import Project
from solvent.metadata.models import AliasMove, ModelRow, add_version, move_alias
from solvent.runs.stores import Stores


@pytest.fixture
def deployed(project: Path) -> Path:
    """A project with two versions of delays; the champion moved from one to the other."""
    with Stores(Project.find()) as stores, stores.metadata.transaction():
        own = stores.project_name
        for at, bundle in enumerate(("aa11" * 16, "bb22" * 16)):
            row = ModelRow(
                own, "delays", 0, bundle, "d", "t", "v", "w", "20261124-1", "m:delays", "{}", "ann", 1e9 + at
            )
            number = add_version(stores.metadata, row)
            before = number - 1 or None
            move_alias(
                stores.metadata,
                own,
                "delays",
                "champion",
                AliasMove(0, "", before, number, "deploy", "new", "ann", 1e9),
            )
    return project


@pytest.mark.usefixtures("deployed")
def test_endpoints_versions_and_history_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == main(["models", "delays"]) == main(["models", "history", "delays"]) == 0
    said = capsys.readouterr().out
    assert "champion 2" in said
    assert said.count("gone") == 2
    assert [line.split()[4:6] for line in said.splitlines() if "deploy" in line] == [["->", "2"], ["->", "1"]]
    assert max(map(len, said.splitlines())) <= 80


@pytest.mark.usefixtures("deployed")
def test_notes_and_tags_of_a_version_stay_with_its_bundle(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["note", "delays@champion", "without March"]) == 0
    assert main(["tag", "delays@2", "audited"]) == 0
    capsys.readouterr()
    assert main(["note", "delays@bb22", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["notes"][0]["text"] == "without March"
    assert main(["models", "delays"]) == 0
    said = capsys.readouterr().out
    assert "2: without March" in said
    assert "2: audited" in said
    assert main(["note", "delays", "all of it"]) == 0
    assert "model delays" in capsys.readouterr().out


@pytest.mark.usefixtures("deployed")
def test_wrong_names_are_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    for words, said in (
        (["models", "delay"], "did you mean 'delays'"),
        (["promote", "delays@chalenger"], "no version 'chalenger'"),
        (["rollback", "delays", "--alias", "champoin"], "did you mean 'champion'"),
        (["models", "compare", "delays@1", "delays@9"], "it has 2 versions"),
        (["promote", "delays@1"], "gone"),
        (["promote", "delays@1", "--alias", "3"], "can't be an alias"),
    ):
        assert main(words) == 2, words
        assert said in capsys.readouterr().err
