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
        (folder / "solvent.toml").write_text("")
        self.file = folder / "sums.py"
        self.file.write_text(PIPELINE)

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
        said = self.solvent("deploy", "sums", "--json", *words, code=code)
        return dict(json.loads(next(line for line in said.splitlines() if line.startswith("{"))))


@pytest.fixture
def team(project: Path) -> Team:
    return Team(project)


def test_versions_are_made_promoted_and_rolled_back_and_history_tells(team: Team) -> None:
    team.run(1.0)
    first = team.deploy("--why", "the first")
    assert (first["ok"], first["version"], first["before"]) == (True, 1, None)
    assert team.deploy()["version"] == 1, "the same bundle is the same version"
    team.run(2.0)
    assert team.deploy("--alias", "challenger")["version"] == 2
    assert "points at version 2 now, and pointed at 1 before" in team.solvent("promote", "sums@challenger")
    team.run(3.0)
    assert team.deploy()["version"] == 3
    assert "points at version 2 now" in team.solvent("rollback", "sums", "--why", "slow")
    assert "points at version 1 now" in team.solvent("rollback", "sums")
    assert "never pointed at another" in team.solvent("rollback", "sums", code=2)
    assert "points at version 1 already" in team.solvent("promote", "sums@1")
    history = team.solvent("models", "history", "sums")
    assert [line.split()[3:6] for line in history.splitlines()[1:]][-1] == ["-", "->", "1"]
    assert "slow" in history
    assert json.loads(team.solvent("models", "sums", "--json"))[0]["aliases"] == ["champion"]
    assert all(len(line) <= 80 for line in (history + team.solvent("models", "sums")).splitlines())


def test_a_dry_run_and_a_refusal_register_nothing(team: Team) -> None:
    team.run(1.0)
    assert team.deploy("--dry-run")["version"] is None
    assert "nothing was deployed yet" in team.solvent("models")
    team.file.write_text(PIPELINE.replace("(0.1, 9.0)", "(0.1, 0.2)"))
    refused = team.deploy(code=1)
    assert (refused["ok"], refused["version"]) == (False, None)
    assert "0.2" in refused["failures"][0]
    assert "refused" in team.solvent("deploy", "sums", code=1)
    assert "nothing was deployed yet" in team.solvent("models")


def test_a_step_that_looks_at_the_batch_is_refused_by_name(team: Team) -> None:
    team.file.write_text(PIPELINE.replace("return rows - means", "return rows - rows.mean(axis=0)"))
    team.run(1.0)
    assert "center" in team.deploy(code=1)["failures"][0]


def test_what_aliases_point_at_and_what_a_rollback_needs_outlives_every_clean_up(team: Team) -> None:
    for factor in (1.0, 2.0, 3.0):
        team.run(factor)
        team.deploy()
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
    team.run(1.0)
    bundle = team.deploy()["bundle"]
    with Stores(Project.find(str(team.folder)), create=False) as stores:
        for name in ("sums", "sums@champion", "sums@1", "sums@latest", f"sums@{bundle[:8]}"):
            assert find_model(name, stores).number == 1
        for name, said in (
            ("sum", "sums"),
            ("sums@champoin", "champion"),
            ("sums@7", "it has 1 version"),
            ("sums@", "names no"),
        ):
            with pytest.raises(NotFoundError, match=said):
                find_model(name, stores)


def test_a_folder_that_was_damaged_is_made_again_and_one_in_the_store_is_refused(team: Team) -> None:
    team.run(1.0)
    team.deploy()
    with Stores(Project.find(str(team.folder)), create=False) as stores:
        version = find_model("sums", stores)
        folder = Path(materialise(version, stores))
        assert json.loads((folder / "annotations.json").read_text())["version"] == 1
        (folder / "code" / "sums.py").write_text("raise SystemExit")
        assert "SystemExit" not in (Path(materialise(version, stores)) / "code" / "sums.py").read_text()


def test_a_deployment_that_is_killed_leaves_nothing_and_the_next_one_goes_well(team: Team) -> None:
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
