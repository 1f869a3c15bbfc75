"""The card of a model: what the record says of it, in Markdown."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import solvent
from solvent.cli.main import main
from solvent.errors import NotFoundError
from solvent.integrations.cards import find_model, model_card
from solvent.runs.views import Run
from tests.integrations import models, tables

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("flowers"))
        made = solvent.run(models.flowers)
        made.note("For the *garden* only")
        return made


@pytest.fixture
def card(run: Run) -> str:
    return model_card(run, find_model(run))


def test_the_block_at_the_top_is_yaml_with_the_metrics(card: str) -> None:
    block = yaml.safe_load(card.split("---\n")[1])
    assert block["library_name"] == "scikit-learn"
    (entry,) = block["model-index"]
    (result,) = entry["results"]
    assert result["dataset"]["name"] == "flowers@1"
    assert [each["type"] for each in result["metrics"]] == ["accuracy"]


def test_the_card_says_what_the_model_was_trained_on_and_how_to_make_it_again(card: str, run: Run) -> None:
    assert "| `flowers@1` | 20 | 2 | `" in card
    accuracy = run.metrics["score.accuracy"]
    assert f"| accuracy | {accuracy:.4g} | {accuracy - 0.1:.4g} to {accuracy + 0.05:.4g} |" in card
    assert f"$ solvent remake {run.id}/fit" in card
    assert "rows: 20" in card
    assert "- For the *garden* only" in card
    assert "`sklearn.DecisionTreeClassifier`" in card


def test_a_run_without_a_model_says_what_counts_as_one(project: Path) -> None:
    run = solvent.run(tables.tables)
    with pytest.raises(NotFoundError, match=f"run {run.id} gave no model") as error:
        find_model(run)
    assert "skops, lightgbm" in str(error.value.hint)


def test_the_command_writes_a_file_or_prints(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(run._stores.project.root)
    assert main(["export", "card", "latest/fit", "-o", "CARD.md"]) == 0
    assert main(["export", "card", run.id]) == 0
    assert capsys.readouterr().out == "wrote CARD.md\n" + Path("CARD.md").read_text("utf-8")
