"""From a recorded run to a bundle, by the command: what is asked for, what is answered, what is said if it can't be."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from solvent.serving.folder import open_bundle
from solvent.serving.program import Program
from tests.serving.servers import solvent

pytestmark = pytest.mark.slow

CODE = """
from typing import NamedTuple
import numpy as np
import pandas as pd
from solvent import Endpoint, each, pipeline, run, step, value

class Parts(NamedTuple):
    train: pd.DataFrame
    test: pd.DataFrame

class Model(NamedTuple):
    weight: float
    shift: float

@step
def load(rows: int) -> pd.DataFrame:
    if rows < 0:
        raise ValueError("fewer rows than none")
    rng = np.random.default_rng(0)
    return pd.DataFrame({"id": range(rows), "x": rng.normal(size=rows), "y": rng.normal(size=rows)})

@step
def split(table: pd.DataFrame) -> Parts:
    return Parts(table[:60], table[60:])

@step
def folds(train: pd.DataFrame) -> list[pd.DataFrame]:
    return [train[:30], train[30:]]

@step
def fit(train: pd.DataFrame) -> Model:
    return Model(float((train.x * train.y).mean()), float(train.y.mean()))

@step
def blend(models: list[Model]) -> list[float]:
    return [sum(each) / len(models) for each in zip(*models)]

@step
def predict(model: list[float], parts: Parts) -> pd.Series:
    return parts.test["x"] * model[0] + model[1]

@step
def error(answers: pd.Series, test: pd.DataFrame) -> float:
    return float((answers - test["y"]).abs().mean())

@pipeline
def lines(rows: int = 100) -> float:
    parts = split(load(rows))
    model = blend([fit(part) for part in each(folds(parts.train))])
    return error(predict(model, parts), parts.test)

served = Endpoint("lines", pipeline=lines, request="split.test", response="predict", label="y")

if __name__ == "__main__":
    run(lines)
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def command(project: Path) -> Run:
    (project / "lines_made.py").write_text(CODE, "utf-8")

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, *words], capture_output=True, text=True, cwd=project, check=False)

    return command


def test_what_was_recorded_is_cut_beside_a_newer_run_that_failed(command: Run, project: Path) -> None:
    done = solvent(project, "run", "lines_made.py", "--quiet").partition(":")[0]
    assert command("-m", "solvent", "run", "lines_made.py", "--set", "rows=-1", "--quiet").returncode == 1
    made = command("-m", "solvent", "bundle", "lines", "-o", "made")
    assert made.returncode == 0, made.stderr
    assert f"failed; the newest that is done is {done}" in made.stderr
    bundle = open_bundle(str(project / "made"))
    assert [each.step for each in bundle.manifest.calls] == ["predict"]
    assert [each.name for each in bundle.manifest.request.columns] == ["x"]
    assert json.loads((project / "made" / "annotations.json").read_text())["left_out"] == ["id", "y"]
    examples = json.loads((project / "made" / "examples.json").read_text())
    answer = Program(bundle).run(pd.DataFrame(examples["request"]))
    assert [answer.tolist()] == list(examples["response"].values())


def test_a_run_that_a_script_started_itself_is_told_how_to_be_served(command: Run, project: Path) -> None:
    assert command("lines_made.py").returncode == 0
    made = command("-m", "solvent", "bundle", "lines", "-o", "made")
    assert made.returncode == 2
    assert "was started by the script lines_made.py itself" in made.stderr
    assert "solvent run lines_made.py:lines" in made.stderr
    assert not (project / "made").exists()


def test_code_that_is_broken_now_does_not_change_what_ran(command: Run, project: Path) -> None:
    solvent(project, "run", "lines_made.py", "--quiet")
    changed = CODE.replace('parts.test["x"] * model[0]', 'parts.test["x"] * 0').replace("models: list[Model]", "m")
    (project / "lines_made.py").write_text(changed, "utf-8")
    solvent(project, "bundle", "lines", "-o", "made")
    assert "* model[0]" in "".join(each.read_text() for each in (project / "made" / "code").rglob("*.py"))
