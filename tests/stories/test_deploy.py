"""From a run to a version that an alias points at, and back: refused, promoted, rolled back, cleaned, opened again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from solvent.config.project import Project
from solvent.deploy.registry import find_model, materialise
from solvent.errors import BundleError, NotFoundError
from solvent.runs.stores import Stores

pytestmark = pytest.mark.slow

PIPELINE = """
from typing import NamedTuple

import numpy as np

from solvent import Contract, Endpoint, log, pipeline, step


class Parts(NamedTuple):
    train: np.ndarray
    test: np.ndarray


@step
def load(seed: int) -> Parts:
    rows = np.random.default_rng(seed).normal(size=(200, 3))
    return Parts(rows[:100], rows[100:])


@step
def fit(train: np.ndarray, factor: float) -> np.ndarray:
    return train.mean(axis=0) * factor


@step
def center(rows: np.ndarray, means: np.ndarray) -> np.ndarray:
    return rows - means


@step
def predict(rows: np.ndarray) -> np.ndarray:
    return rows.sum(axis=1)


@step
def evaluate(answers: np.ndarray) -> float:
    log.metric("score", float(np.abs(answers).mean()))
    return 1.0


@pipeline
def sums(factor: float = 1.0, seed: int = 0) -> float:
    parts = load(seed)
    return evaluate(predict(center(parts.test, fit(parts.train, factor))))


endpoint = Endpoint(
    "sums", pipeline=sums, request="load.test", response="predict", contract=Contract(metrics={"score": (0.1, 9.0)})
)
"""


class Team:
    """A project with the pipeline above; `solvent` runs a command in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "sums.py"

    def begin(self) -> Team:
        (self.folder / "solvent.toml").write_text('project = "shop"\n')
        self.file.write_text(PIPELINE)
        return self

    def solvent(self, *words: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "solvent", *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "SOLVENT_USER": "ann"},
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if not code else done.stdout + done.stderr

    def run(self, factor: float, **more: str) -> None:
        self.solvent("run", "sums.py:sums", "--quiet", "--engine", "inline", "--set", f"factor={factor}")

    def deploy(self, *words: str, code: int = 0) -> dict[str, Any]:
        said = self.solvent("deploy", "sums", "--json", "--load-seconds", "0.1", *words, code=code)
        return dict(json.loads(next(line for line in said.splitlines() if line.startswith("{"))))


@pytest.fixture(scope="session")
def three_versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that deployed three versions, each of which became the champion."""
    team = Team(tmp_path_factory.mktemp("three")).begin()
    for factor in (1.0, 2.0, 3.0):
        team.run(factor)
        assert team.deploy("--why", f"factor {factor}")["version"] == factor
    return team.folder


@pytest.fixture
def team(three_versions: Path, tmp_path: Path) -> Team:
    """That project, to do with as one likes."""
    return Team(Path(shutil.copytree(three_versions, tmp_path / "team")))


def test_aliases_move_forth_and_back_and_history_tells(team: Team) -> None:
    assert "points at version 2 now" in team.solvent("rollback", "sums", "--why", "slow")
    assert "points at version 1 now" in team.solvent("rollback", "sums")
    assert "never pointed at another" in team.solvent("rollback", "sums", code=2)
    assert "points at version 1 already" in team.solvent("promote", "sums@1")
    assert "sums@challenger points at version 3 now" in team.solvent("promote", "sums@3", "--alias", "challenger")
    assert "points at version 3 now, and pointed at 1 before" in team.solvent("promote", "sums@challenger")
    assert "points at version 1 now" in team.solvent("rollback", "sums")
    history = team.solvent("models", "history", "sums")
    assert [line.split()[3:6] for line in history.splitlines()[1:]][-1] == ["-", "->", "1"]
    assert "slow" in history
    assert "factor 2.0" in history
    found = {each["number"]: each for each in json.loads(team.solvent("models", "sums", "--json"))}
    assert [found[number]["aliases"] for number in (1, 2, 3)] == [["champion"], [], ["challenger"]]
    assert all(len(line) <= 80 for line in (history + team.solvent("models", "sums")).splitlines())


def test_a_dry_run_and_a_refusal_register_nothing_and_the_same_bundle_is_the_same_version(team: Team) -> None:
    before = team.solvent("models", "--json")
    assert team.deploy("--dry-run")["version"] is None
    assert team.deploy("--alias", "challenger")["version"] == 3
    team.file.write_text(PIPELINE.replace("(0.1, 9.0)", "(0.1, 0.2)"))
    said = team.solvent("deploy", "sums", "--load-seconds", "0.1", code=1)
    assert "refused: sums@champion still points at 3" in said
    assert "0.2" in said
    assert [each["number"] for each in json.loads(team.solvent("models", "--json"))["sums"]] == [1, 2, 3]
    assert json.loads(before)["sums"][2]["bundle"] == json.loads(team.solvent("models", "--json"))["sums"][2]["bundle"]


def test_a_step_that_looks_at_the_batch_is_refused_by_name(tmp_path: Path) -> None:
    team = Team(tmp_path).begin()
    team.file.write_text(PIPELINE.replace("return rows - means", "return rows - rows.mean(axis=0)"))
    team.run(1.0)
    assert "center" in team.deploy(code=1)["failures"][0]


def test_what_aliases_point_at_and_what_a_rollback_needs_outlives_every_clean_up(team: Team) -> None:
    shutil.rmtree(team.folder / ".solvent" / "bundles", ignore_errors=True)
    team.solvent("clean", "--older-than", "0s", "--yes", "--grace", "0s")
    with Stores(Project.find(str(team.folder)), create=False) as stores:
        for name in ("sums@3", "sums@2"):
            assert os.path.isfile(os.path.join(materialise(find_model(name, stores), stores), "bundle.json"))
        with pytest.raises(BundleError, match="cleaned away"):
            materialise(find_model("sums@1", stores), stores)
    assert "gone" in team.solvent("models", "sums")
    assert "cleaned away" in team.solvent("promote", "sums@1", code=2)
    assert "points at version 2 now" in team.solvent("rollback", "sums")


def test_names_are_found_or_answered_with_the_nearest(team: Team) -> None:
    with Stores(Project.find(str(team.folder)), create=False) as stores:
        bundle = find_model("sums@2", stores).row.bundle
        names = {"sums": 3, "sums@champion": 3, "sums@1": 1, "sums@latest": 3, f"sums@{bundle[:8]}": 2}
        assert {name: find_model(name, stores).number for name in names} == names
        wrong = {"sum": "sums", "sums@champoin": "champion", "sums@7": "it has 3 versions", "sums@": "names no"}
        for name, said in wrong.items():
            with pytest.raises(NotFoundError, match=said):
                find_model(name, stores)


def test_a_folder_that_was_damaged_is_made_again(team: Team) -> None:
    with Stores(Project.find(str(team.folder)), create=False) as stores:
        version = find_model("sums", stores)
        folder = Path(materialise(version, stores))
        assert json.loads((folder / "annotations.json").read_text())["version"] == 3
        (folder / "code" / "sums.py").write_text("raise SystemExit")
        assert "SystemExit" not in (Path(materialise(version, stores)) / "code" / "sums.py").read_text()


def test_a_deployment_that_is_killed_leaves_nothing_and_the_next_one_goes_well(tmp_path: Path) -> None:
    team = Team(tmp_path).begin()
    team.run(1.0)
    for line in ("cutting", "checking", "replaying"):
        process = subprocess.Popen(
            [sys.executable, "-m", "solvent", "deploy", "sums"], cwd=team.folder, stderr=subprocess.PIPE, text=True
        )
        assert process.stderr is not None
        for said in process.stderr:
            if said.startswith(line):
                break
        process.kill()
        process.communicate()
    assert "nothing was deployed yet" in team.solvent("models")
    assert team.deploy()["version"] == 1
