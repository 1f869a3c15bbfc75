import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
FLIGHTS = REPOSITORY / "examples" / "flights"
TARGET = "flights_delays.pipeline:delays"

pytestmark = pytest.mark.slow


@pytest.fixture
def flights(tmp_path: Path) -> Path:
    """The example, copied to where it may be edited and run."""
    return Path(
        shutil.copytree(FLIGHTS, tmp_path / "flights", ignore=shutil.ignore_patterns(".solvent", "__pycache__"))
    )


def python(folder: Path, *words: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "src")}
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run(folder: Path, *words: str) -> dict[str, Any]:
    printed = python(folder, "-m", "solvent", "run", TARGET, "--profile", "quick", "--json", *words)
    return dict(json.loads(printed.splitlines()[-1]))


def names(record: dict[str, Any], status: str) -> set[str]:
    return {step["name"] for step in record["steps"] if step["status"] == status}


def test_it_runs_as_plain_python(flights: Path) -> None:
    code = (
        "from flights_delays.pipeline import Config, delays\n"
        "print(delays(Config(months=(1,), leaves=(4, 8), rounds=10)).auc)"
    )
    assert 0.6 < float(python(flights, "-W", "error", "-c", code).splitlines()[-1]) < 0.8
    assert not (flights / ".solvent").exists()


def test_its_own_tests_pass(flights: Path) -> None:
    assert "3 passed" in python(flights, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")


def test_exactly_the_steps_after_an_edited_helper_run_again(flights: Path) -> None:
    first = run(flights)
    assert names(first, "reused") == set()
    again = run(flights)
    assert names(again, "done") == set()
    rush = flights / "flights_delays" / "rush.py"
    before = rush.read_text()
    rush.write_text(before.replace("hour >= 16", "hour >= 15"))
    edited = run(flights)
    assert names(edited, "done") == {"features", "fit", "predict", "evaluate", "report"}
    assert names(edited, "reused") == {"load", "clean", "split", "fit_features"}
    assert "in_rush" in next(step["why"] for step in edited["steps"] if step["name"] == "features")
    rush.write_text(before)
    assert names(run(flights), "done") == set()


def test_an_edit_that_changes_no_result_ends_with_its_step(flights: Path) -> None:
    run(flights)
    rush = flights / "flights_delays" / "rush.py"
    rush.write_text(rush.read_text().replace("(hour >= 16) & (hour < 20)", "(hour > 15) & (hour < 20)"))
    assert names(run(flights), "done") == {"features"}


def test_a_changed_value_of_the_config_runs_what_takes_it(flights: Path) -> None:
    run(flights)
    assert names(run(flights, "--set", "rounds=21"), "done") == {"fit", "predict", "evaluate", "report"}


def test_the_demo_ends_well_within_two_minutes(tmp_path: Path) -> None:
    began = time.monotonic()
    printed = python(tmp_path, str(FLIGHTS / "demo.py"))
    assert "Ran: features, fit, predict, evaluate, report. Reused: load, clean, split, fit_features." in printed
    assert time.monotonic() - began < 120
    assert not (FLIGHTS / ".solvent").exists()
