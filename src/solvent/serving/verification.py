"""What was found when a bundle was verified: plain records that travel as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from solvent.errors import BundleError

GATE, WARN = "gate", "warn"


@dataclass(frozen=True, slots=True)
class Cell:
    """One value that is not as it should be: what was expected in `column`, and what was found, as texts."""

    column: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class OddRow:
    """A row that was answered in two ways. `row` is its place among the recorded rows; `request` what was asked."""

    row: int
    cells: tuple[Cell, ...]
    request: Mapping[str, str]
    difference: float | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """One thing that holds for a step that looks at each row by itself: how often it was tried, and the largest difference.

    `held` is None where it could not be tried.
    """

    name: str
    held: bool | None
    calls: int = 0
    difference: float = 0.0


@dataclass(frozen=True, slots=True)
class StepCheck:
    """The row-wise checks of one live step; `problem` is empty where all of them held.

    `relation` is the first that did not hold, `rows` some of the rows that show it, `causes` the lines of the step that look
    at several rows, as they are written, `hint` the way out.
    """

    step: str
    function: str
    relations: tuple[Relation, ...]
    checked_rows: int
    seconds: float
    problem: str = ""
    relation: str = ""
    hint: str = ""
    causes: tuple[str, ...] = ()
    rows: tuple[OddRow, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.problem


@dataclass(frozen=True, slots=True)
class Replay:
    """Recorded rows sent to the real endpoint: how its answers compare with the recorded ones.

    `single_rows` were sent one by one, `batch_rows` in batches of `batch_size`. `different_rows` are rows of which an answer
    is beyond the tolerance, `refused_rows` were not answered, `flips` are answers of another class. `histogram` counts
    numbers by the power of ten of their difference, "0" first.
    """

    single_rows: int
    batch_rows: int
    batch_size: int
    tolerance: float
    largest: float
    different_rows: int
    refused_rows: int
    flips: int
    histogram: tuple[tuple[str, int], ...]
    worst: tuple[OddRow, ...]
    seconds: float
    problem: str = ""
    exact_share: float = 1.0

    @property
    def ok(self) -> bool:
        return not (self.problem or self.different_rows or self.refused_rows)


@dataclass(frozen=True, slots=True)
class Measure:
    """One measured number of the endpoint; `unit` is MB, ms, s, 1/s or empty, `about` says how it was found."""

    name: str
    value: float
    unit: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class BatchPoint:
    """What a request of `rows` rows costs the server for each row; half of the answers were faster than `p50_ms`."""

    rows: int
    cpu_ms_per_row: float
    p50_ms: float
    requests: int


@dataclass(frozen=True, slots=True)
class StepTime:
    """What one live step, or decoding or encoding, costs for a request of one row, and of `batch_rows` rows."""

    step: str
    cpu_ms: float
    batch_rows: int
    batch_cpu_ms: float


@dataclass(frozen=True, slots=True)
class Bound:
    """One bound of the contract: `words` say how it stands; `severity` is gate or warn."""

    name: str
    found: float | None
    least: float | None
    most: float | None
    unit: str
    ok: bool
    severity: str
    words: str


@dataclass(frozen=True, slots=True)
class Verification:
    """All that was found about one bundle. It may be released if it is `ok`: bounds that only warn don't count."""

    endpoint: str
    digest: str
    made_at: float
    seconds: float
    rows: int
    steps: tuple[StepCheck, ...]
    replay: Replay | None
    measures: tuple[Measure, ...]
    bounds: tuple[Bound, ...]
    batches: tuple[BatchPoint, ...]
    times: tuple[StepTime, ...]
    metrics: Mapping[str, float]
    settings: Mapping[str, Any]
    backend: str = "python"

    @property
    def ok(self) -> bool:
        return not self.failures

    @property
    def failures(self) -> list[str]:
        """Say what is in the way of a release, a sentence each."""
        found = [f"step {each.step} {each.problem}{_likely(each)}" for each in self.steps if not each.ok]
        if self.replay is not None and not self.replay.ok:
            found.append(f"replay: {replay_words(self.replay)}")
        return found + [each.words for each in self.bounds if not each.ok and each.severity == GATE]

    @property
    def warnings(self) -> list[str]:
        return [each.words for each in self.bounds if not each.ok and each.severity == WARN]

    def measure(self, name: str) -> float | None:
        """Give a measured number by its name, or None."""
        return next((each.value for each in self.measures if each.name == name), None)

    def to_json(self) -> str:
        """Write it as JSON; numbers that JSON lacks become null."""
        return json.dumps(_plain(asdict(self)), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _likely(check: StepCheck) -> str:
    return f"; look at {', '.join(f'`{each}`' for each in check.causes[:2])}" if check.causes else ""


def replay_words(replay: Replay) -> str:
    """Say in one sentence how the endpoint's answers compare with the recorded ones."""
    total = replay.batch_rows or replay.single_rows
    parts = [replay.problem] if replay.problem else []
    if replay.refused_rows:
        parts.append(f"{replay.refused_rows:,} of {total:,} rows were refused")
    if replay.different_rows:
        flipped = f", {replay.flips:,} label flips" if replay.flips else ", no label flips"
        parts.append(
            f"{replay.different_rows:,} of {total:,} rows differ by up to {replay.largest:.2g}"
            f" (tolerance {replay.tolerance:g}){flipped}"
        )
    return "; ".join(parts) or f"{total:,} rows answered as recorded, largest difference {replay.largest:.2g}"


def read_verification(text: str | bytes) -> Verification:
    """Read what `to_json` wrote; BundleError if it is no verification."""
    try:
        tree = json.loads(text)
        return Verification(**_known(Verification, tree) | _children(tree))
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(f"the verification can't be read: {error!r}") from error


def _children(tree: Mapping[str, Any]) -> dict[str, Any]:
    replay = tree["replay"]
    return {
        "steps": tuple(_step(each) for each in tree["steps"]),
        "replay": None if replay is None else _replay(replay),
        "measures": tuple(_record(Measure, each) for each in tree["measures"]),
        "bounds": tuple(_record(Bound, each) for each in tree["bounds"]),
        "batches": tuple(_record(BatchPoint, each) for each in tree["batches"]),
        "times": tuple(_record(StepTime, each) for each in tree["times"]),
    }


def _step(tree: Mapping[str, Any]) -> StepCheck:
    relations = tuple(_record(Relation, each) for each in tree["relations"])
    more = {"relations": relations, "rows": _rows(tree["rows"]), "causes": tuple(tree["causes"])}
    return StepCheck(**_known(StepCheck, tree) | more)


def _replay(tree: Mapping[str, Any]) -> Replay:
    largest = math.inf if tree["largest"] is None else tree["largest"]
    more = {
        "worst": _rows(tree["worst"]),
        "histogram": tuple((name, count) for name, count in tree["histogram"]),
        "largest": largest,
    }
    return Replay(**_known(Replay, tree) | more)


def _rows(trees: list[dict[str, Any]]) -> tuple[OddRow, ...]:
    return tuple(
        _record(OddRow, {**each, "cells": tuple(_record(Cell, cell) for cell in each["cells"])}) for each in trees
    )


def _record(kind: Any, tree: Mapping[str, Any]) -> Any:
    return kind(**_known(kind, tree))


def _known(kind: Any, tree: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out fields that a later version added."""
    names = {each.name for each in fields(kind)}
    return {name: value for name, value in tree.items() if name in names}


def _plain(tree: Any) -> Any:
    if isinstance(tree, Mapping):
        return {str(name): _plain(each) for name, each in tree.items()}
    if isinstance(tree, list | tuple):
        return [_plain(each) for each in tree]
    return None if isinstance(tree, float) and not math.isfinite(tree) else tree
