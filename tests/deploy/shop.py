"""A project as people have them: a package, a step that a factory made, a frozen class of the user's, heavy imports."""

from pathlib import Path

FILES = {
    "solvent.toml": "",
    "shop/__init__.py": "",
    "shop/prep/__init__.py": "",
    "shop/kinds.py": """\
from __future__ import annotations
import dataclasses
from enum import Enum
import matplotlib.pyplot as plt


class Unit(Enum):
    A = 1.0
    B = 2.0


@dataclasses.dataclass(frozen=True)
class Means:
    names: tuple[str, ...]
    values: tuple[float, ...]
    unit: Unit

    def apply(self, frame):
        return frame[list(self.names)] - list(self.values)


def draw():
    plt.plot([1])
""",
    "shop/prep/columns.py": """\
from ..kinds import Means, Unit


def center(means: Means, frame):
    from .late import scale

    return scale(means.apply(frame), means.unit)
""",
    "shop/prep/late.py": """\
import numpy as np

np.seterr(all="ignore")


def scale(frame, unit):
    return frame * unit.value
""",
    "shop/flow.py": """\
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split
from typing import Any, NamedTuple

from solvent import Endpoint, pipeline, step

from .kinds import Means, Unit
from .prep.columns import center

WORDS = list(range(60_000))


class Parts(NamedTuple):
    train: pd.DataFrame
    test: pd.DataFrame


def make(power):
    @step(name=f"power{power}")
    def powered(table: pd.DataFrame) -> pd.DataFrame:
        return table**power

    return powered


square = make(2)


@step
def load() -> Parts:
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(200, 3)), columns=list("abc"))
    table["y"] = table.a * 2 + table.b
    return Parts(table[:150].reset_index(drop=True), table[150:].reset_index(drop=True))


@step
def means(train: pd.DataFrame) -> Means:
    return Means(("a", "b", "c"), tuple(train[["a", "b", "c"]].mean().tolist()), Unit.B)


@step
def prepare(known: Means, table: pd.DataFrame, words: list[int]) -> pd.DataFrame:
    return center(known, table) * (len(words) / 60_000)


@step
def fit(rows: pd.DataFrame, train: pd.DataFrame) -> Any:
    return np.linalg.lstsq(rows.to_numpy(), train["y"].to_numpy(), rcond=None)[0]


@step
def predict(weights: Any, rows: pd.DataFrame) -> np.ndarray:
    return rows.to_numpy() @ weights


@step
def score(found: np.ndarray, test: pd.DataFrame) -> float:
    return float(((found - test["y"]) ** 2).mean())


@pipeline
def shop() -> float:
    parts = load()
    known = means(parts.train)
    weights = fit(square(prepare(known, parts.train, WORDS)), parts.train)
    return score(predict(weights, square(prepare(known, parts.test, WORDS))), parts.test)


endpoint = Endpoint("shop", pipeline=shop, request="load.test", response="predict", label="y")
""",
}


def write_shop(folder: Path) -> Path:
    """Write the project into a folder."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return folder
