"""Config names the step that runs: what it must be, and what is said when it is not."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import solvent
from solvent import Step, pipeline, step
from solvent.errors import AuthoringError, ConfigError
from solvent.pipelines.implementations import implementing


class Fitted(NamedTuple):
    model: dict[str, float]
    score: float


@step
def linear(rows: list[int], depth: float) -> Fitted:
    return Fitted({"depth": depth}, sum(rows))


MODULE = """
from typing import NamedTuple
from solvent import step

class Fitted(NamedTuple):
    model: dict
    score: float

class Scored(NamedTuple):
    model: dict
    points: float

@step
def boosted(rows: list, depth: float) -> Fitted:
    return Fitted({}, 100.0)

def plain(rows: list, depth: float, extra: int = 3) -> Fitted:
    return Fitted({}, 200.0 + extra)

def anything(*args, **kwargs) -> Fitted: ...
def without_types(rows, depth): pass
def forgetful(rows: list) -> Fitted: ...
def misspelt(rows: list, dept: float) -> Fitted: ...
def swapped(depth: float, rows: list) -> Fitted: ...
def narrow(rows: list, depth: str) -> Fitted: ...
def greedy(rows: list, depth: float, more) -> Fitted: ...
def vague(rows: list, depth: float) -> Scored: ...
def whole(rows: list, depth: float) -> float: ...
LIMIT = 3
"""


@pytest.fixture(autouse=True)
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "team_of_models.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "team_of_models"
    sys.modules.pop("team_of_models", None)


def refused(text: Any, declared: Any = linear, hints: tuple[Any, ...] = ()) -> AuthoringError:
    with pytest.raises(AuthoringError) as error:
        implementing(text, declared, hints)
    return error.value


@pytest.mark.parametrize("name", ["boosted", "plain", "anything"])
def test_a_step_or_function_of_the_same_signature_stands_in(name: str) -> None:
    found = implementing(f"team_of_models:{name}", linear, ())
    assert (type(found), found.spec.name, found.spec.module) == (Step, name, "team_of_models")


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("forgetful", "it takes no `depth`"),
        ("misspelt", "it takes no `depth`; did you mean 'dept'?"),
        ("swapped", "its parameters come in another order: depth, rows"),
        ("narrow", "its `depth` is a str, and it will be given a float"),
        ("greedy", "it also needs `more`, which has no default"),
        ("vague", "its output has no field `score`"),
        ("whole", "its output has no field `model`"),
        ("without_types", "it does not declare what it gives, and its fields are wanted"),
    ],
)
def test_what_could_not_be_called_like_the_declared_step_is_refused(name: str, problem: str) -> None:
    error = refused(f"team_of_models:{name}")
    assert error.problem.startswith(f"team_of_models:{name} can't stand in for ")
    assert error.problem.endswith(f"test_implementations:linear: {problem}")
    assert str(error.hint).startswith("declare it as ")


def test_a_name_that_is_not_there_is_answered_with_the_nearest() -> None:
    assert "has no 'bosted'; did you mean 'boosted'?" in refused("team_of_models:bosted").problem
    assert "boosted, plain" in str(refused("team_of_models:bosted").hint)
    assert "no module 'team_of_model'; did you mean 'team_of_models'?" in refused("team_of_model:fit").problem
    assert "expected the name of a step, found 'boosted'" in refused("boosted").problem
    assert "found 'team_of_models:LIMIT', which is a int" in refused("team_of_models:LIMIT").problem


def test_what_a_module_loads_only_when_it_is_asked_for_is_known_too() -> None:
    error = refused("solvent.steps:evaluatte")
    assert "has no 'evaluatte'; did you mean 'evaluate'?" in error.problem
    assert "fit_preprocess" in str(error.hint)
    assert "__" not in str(error.hint)


def test_a_module_that_fails_says_so(tmp_path: Path) -> None:
    (tmp_path / "team_that_fails.py").write_text("1 / 0\n")
    (tmp_path / "team_that_asks.py").write_text("import not_installed_anywhere\n")
    assert "can't be imported: ZeroDivisionError" in refused("team_that_fails:fit").problem
    assert "No module named 'not_installed_anywhere'" in refused("team_that_asks:fit").problem


def test_without_a_declared_step_the_types_of_the_annotation_count() -> None:
    given = importlib.import_module("team_of_models").Fitted
    wanted = ([list[int], float], given)
    assert implementing("team_of_models:anything", None, wanted).spec.name == "anything"
    assert "its `depth` is a str" in refused("team_of_models:narrow", None, wanted).problem
    assert "it takes 3 arguments" in refused("team_of_models:greedy", None, wanted).problem
    assert "it gives a float" in refused("team_of_models:whole", None, wanted).problem


@dataclass(frozen=True)
class Config:
    trainer: Step[[list[int], float], Fitted] = linear
    depth: float = 2.0


@pipeline
def training(config: Config) -> float:
    return config.trainer([1, 2], config.depth).score


@pytest.mark.usefixtures("project")
def test_config_chooses_the_step_and_the_record_says_which() -> None:
    assert solvent.run(training).result == 3
    chosen = solvent.run(training, sets=["trainer=team_of_models:plain"])
    assert (chosen.result, chosen.config["trainer"], chosen["plain"].status) == (203.0, "team_of_models:plain", "done")
    assert solvent.run(training, sets=["trainer=team_of_models:plain"])["plain"].status == "reused"
    assert solvent.run(training, {"trainer": sys.modules["team_of_models"].boosted}).result == 100.0


@pytest.mark.usefixtures("project")
def test_a_wrong_choice_is_a_config_error_with_its_place() -> None:
    with pytest.raises(ConfigError, match="config value `trainer`: team_of_models:narrow can't stand in") as error:
        solvent.run(training, sets=["trainer=team_of_models:narrow"])
    assert error.value.where == "--set"


@pytest.mark.slow
@pytest.mark.usefixtures("project")
def test_workers_run_a_plain_function_that_config_names() -> None:
    chosen = solvent.run(training, sets=["trainer=team_of_models:plain"], engine="processes", workers=1)
    assert chosen["plain"].output.score == 203.0
