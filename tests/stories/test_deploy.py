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
from solvent.deploy.aliases import promote
from solvent.deploy.deploying import deploy
from solvent.deploy.endpoints import choose_run, find_endpoint
from solvent.deploy.registry import find_model, list_models, materialise
from solvent.errors import BundleError, NotFoundError, TrustError
from solvent.metadata.models import model_subject
from solvent.metadata.pins import artifact_subject, list_pins
from solvent.runs.stores import Stores
from tests.servers import wait_until

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
    first, again = team.deploy("--alias", "challenger"), team.deploy()
    assert (again["version"], again["again"], first["again"]) == (3, True, True)
    assert _pinned(team) == _needed(team, 2, 3), "what a version had before it was verified again is let go of"
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


def _pinned(team: Team) -> set[str]:
    with Stores(Project.find(str(team.folder)), create=False) as stores:
        return {pin.subject for pin in list_pins(stores.metadata)}


def _needed(team: Team, *numbers: int) -> set[str]:
    with Stores(Project.find(str(team.folder)), create=False) as stores:
        rows = [find_model(f"sums@{number}", stores).row for number in numbers]
    return {row.run_id for row in rows} | {artifact_subject(*name) for row in rows for name in row.artifacts}


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


def test_a_deployment_that_was_killed_leaves_no_server_and_its_folder_goes_with_the_next_one(team: Team) -> None:
    home = team.folder / ".solvent"
    process = subprocess.Popen(
        [sys.executable, "-m", "solvent", "deploy", "sums"], cwd=team.folder, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    next(said for said in process.stderr if said.startswith("replaying"))
    process.kill()
    process.communicate()
    wait_until(lambda: not _processes_on(home))
    assert [each.name[:7] for each in (home / "tmp").iterdir()] == ["deploy-"]
    team.deploy()
    assert list((home / "tmp").iterdir()) == []


def _processes_on(folder: Path) -> list[str]:
    lines = (Path(f"/proc/{pid}/cmdline") for pid in os.listdir("/proc") if pid.isdigit())
    return [text for text in map(_read, lines) if f"solvent.serving\0{folder}" in text]


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def test_a_copy_carries_versions_with_their_words_and_leaves_aliases_where_they_are(team: Team, tmp_path: Path) -> None:
    team.solvent("note", "sums@2", "trained without March")
    target = tmp_path / "other"
    for _ in range(2):
        team.solvent("copy", "--all", "--to", str(target))
    project = Project.find(str(team.folder))
    with Stores(project, create=False) as here, _stores_at(project, target) as there:
        ours, theirs = list_models("sums", here), list_models("sums", there)
        assert [each.row.bundle for each in theirs] == [each.row.bundle for each in ours]
        assert [each.aliases for each in theirs] == [(), (), ()]
        second = find_model("sums@2", there)
        assert [each.text for each in there.metadata.notes("model", model_subject(second.row))] == [
            "trained without March"
        ]
        assert promote(second, there).moved
        assert materialise(second, there).startswith(str(target))


def _stores_at(project: Project, home: Path) -> Stores:
    return Stores(project._replace(home=str(home)), create=False)


def test_the_model_of_another_project_is_served_only_if_somebody_vouched_for_it(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Stores(Project.find(str(team.folder)), create=False) as stores:
        own = stores.project_name
    monkeypatch.setenv("SOLVENT_PROJECT", "elsewhere")
    with Stores(Project.find(str(team.folder)), create=False) as stores:
        with pytest.raises(NotFoundError, match=f"others have one: {own}/sums"):
            find_model("sums", stores)
        version = find_model(f"{own}/sums@3", stores)
        with pytest.raises(TrustError, match="serving it runs code of theirs"):
            materialise(version, stores)
        with pytest.raises(BundleError, match="its aliases are moved there"):
            promote(version, stores)
        team.solvent("trust", version.row.digest[:12])
        assert os.path.isdir(materialise(version, stores))


def test_an_alias_that_was_moved_meanwhile_is_left_there_and_the_version_is_made(team: Team) -> None:
    team.run(4.0)
    with Stores(Project.find(str(team.folder)), create=False) as stores:
        endpoint = find_endpoint("sums", stores)
        run, _ = choose_run(endpoint, None, stores)

        def tell(words: str) -> None:
            if words.startswith("replaying"):
                team.solvent("rollback", "sums")

        with pytest.raises(BundleError, match="was moved to 2 meanwhile by ann") as refused:
            deploy(endpoint, run, stores, tell=tell)
        assert refused.value.hint == "it is version 4: `solvent promote sums@4 --alias champion`"
        assert find_model("sums", stores).number == 2
        assert promote(find_model("sums@4", stores), stores).moved


def test_bytes_of_a_bundle_that_are_lost_are_made_again_by_deploying_and_nothing_else_is_claimed(team: Team) -> None:
    with Stores(Project.find(str(team.folder)), create=False) as stores:
        row = find_model("sums@3", stores).row
        bundle = stores.metadata.find_artifact(row.digest, row.type)
        lost = next(each for each in bundle.all_blobs() if each.digest == row.bundle)
        stores.blobs.remove([lost.digest])
    for said in (team.solvent("verify", code=1), team.solvent("verify", "--repair", code=1)):
        assert "the deployment of sums@3" in said
        assert f"`solvent deploy sums --run {row.run_id}` makes it again" in " ".join(said.split())
    assert "sums@3" in team.solvent("show", row.run_id)
    team.deploy("--run", row.run_id)
    assert "all is well" in team.solvent("verify")


def test_models_are_compared_on_the_same_rows(team: Team) -> None:
    found = json.loads(team.solvent("models", "compare", "sums@1", "sums@3", "--json"))
    assert (found["rows"], found["equal_rows"], found["metrics"]) == (100, 0, [])
    assert "no truth is on record" in found["about"]
    assert found["mean_change"] == pytest.approx(found["largest_change"] * (1 if found["mean_change"] > 0 else -1))
    same = team.solvent("models", "compare", "sums@1", "sums@1")
    assert "all alike" in same
