from random import Random
from typing import Any

import numpy as np
import pytest

from solvent.errors import AuthoringError
from solvent.pipelines import context
from solvent.pipelines.context import inside_run, inside_step, log, rng, seed
from solvent.pipelines.step import step


class Notes:
    """Keeps what a step leaves, as a run does."""

    def __init__(self, seed: int = 7) -> None:
        self._seed = seed
        self.asked = 0
        self.kept: list[tuple[Any, ...]] = []

    def seed(self) -> int:
        self.asked += 1
        return self._seed

    def log_metric(
        self, name: str, value: float, step: int | None, interval: tuple[float, float] | None = None
    ) -> None:
        self.kept.append((name, value, step))

    def log_text(self, name: str, text: str) -> None:
        self.kept.append((name, text))

    def log_figure(self, name: str, figure: Any) -> None:
        self.kept.append((name, figure))


def test_outside_a_step_the_seed_is_0_and_the_log_does_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert seed() == 0
    log(loss=1.0)
    log.metric("loss", 1.0, step=2)
    log.metrics({"a": 1})
    log.text("report", "fine")
    log.figure("curve", object())
    assert capsys.readouterr() == ("", "")


def test_outside_a_step_the_generator_starts_anew_from_0() -> None:
    assert rng().random() == rng().random() == np.random.default_rng(0).random()


def test_a_step_hears_its_seed_and_goes_on_with_one_generator() -> None:
    notes = Notes(seed=7)
    expected = np.random.default_rng(7).random(2)
    with inside_step(notes):
        assert seed() == 7
        assert [rng().random(), rng().random()] == list(expected)
    assert notes.asked == 2
    with inside_step(Notes(seed=7)):
        assert rng().random() == expected[0]


def test_without_numpy_the_generator_is_pythons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "numpy.random", None)
    assert isinstance(rng(), Random)


def test_what_a_step_logs_is_kept() -> None:
    notes = Notes()
    with inside_step(notes):
        log(loss=np.float64(0.5), epoch=2)
        log.metric("auc", True, step=3)
        log.metrics({"a": 1, "b": 2}, step=1)
        log.text("report", "fine")
        log.figure("curve", None)
    assert notes.kept == [
        ("loss", 0.5, None),
        ("epoch", 2.0, None),
        ("auc", 1.0, 3),
        ("a", 1.0, 1),
        ("b", 2.0, 1),
        ("report", "fine"),
        ("curve", None),
    ]
    assert type(notes.kept[0][1]) is float


def test_in_the_body_of_a_pipeline_nothing_would_be_kept_so_it_is_an_error(run: Any) -> None:
    for use in (seed, rng, lambda: log(a=1), lambda: log.text("a", "b")):
        with pytest.raises(AuthoringError, match="belongs to a step"):
            use()


def test_a_step_called_by_a_step_is_a_plain_call(run: Any) -> None:
    @step
    def inner() -> int:
        return 1

    with inside_step(Notes()):
        assert inner() == 1
    assert run.calls == []


def test_the_blocks_put_back_what_was_there(run: Any) -> None:
    other: Any = object()
    with inside_run(other):
        assert context.tracer.get() is other
        with pytest.raises(ValueError, match="x"), inside_step(Notes()):
            raise ValueError("x")
        assert context.tracer.get() is other
        assert context.context.get() is None
    assert context.tracer.get() is run
