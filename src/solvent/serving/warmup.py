"""The warm-up: a model answers its examples as its run did before it answers anybody else."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

from solvent.errors import BundleError
from solvent.serving.folder import EXAMPLES
from solvent.serving.model import Model
from solvent.serving.settings import INLINE_MS
from solvent.serving.tables import to_columns

_TRIES = 3
_NOTHING = frozenset({"None", "nan", "inf", "-inf", "<NA>", "NaT"})
"""What stands as null in the examples, as texts."""


def warm_up(model: Model) -> None:
    """Answer the examples of a bundle and compare; BundleError if an answer is not the recorded one.

    Sets `model.fast` by the time that one row takes.
    """
    try:
        with open(os.path.join(model.bundle.folder, EXAMPLES), "rb") as file:
            examples = json.load(file)
    except FileNotFoundError:
        return
    asked: Mapping[str, Sequence[Any]] = examples["request"]
    found = _answers(model, asked)
    for name, expected in examples["response"].items():
        _compare(name, expected, found[name], max(model.bundle.manifest.tolerance, 1e-9))
    single = {name: values[:1] for name, values in asked.items()}
    if any(single.values()):
        model.fast = min(_milliseconds(model, single) for _ in range(_TRIES)) < INLINE_MS


def _answers(model: Model, columns: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    body = json.dumps({"columns": columns}).encode()
    answer = model.predict(body, "application/json", b"warm-up", lambda decoded: None)
    return to_columns(answer.value, [each.name for each in model.bundle.manifest.response.columns])


def _milliseconds(model: Model, columns: Mapping[str, Sequence[Any]]) -> float:
    before = time.perf_counter()
    _answers(model, columns)
    return 1000 * (time.perf_counter() - before)


def _compare(name: str, expected: Sequence[Any], found: Sequence[Any], tolerance: float) -> None:
    for row, (one, other) in enumerate(zip(expected, found, strict=False)):
        if not _alike(one, other, tolerance):
            raise BundleError(
                f"the bundle does not answer as its run did: column {name}, row {row} of its examples",
                hint="make the bundle again, with the versions of libraries that its requirements.txt names",
            )


def _alike(one: Any, other: Any, tolerance: float) -> bool:
    if isinstance(one, list):
        return (
            isinstance(other, list | tuple)
            and len(one) == len(other)
            and all(_alike(part, found, tolerance) for part, found in zip(one, other, strict=True))
        )
    if one is None:
        return str(other) in _NOTHING
    if isinstance(one, float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=0, abs_tol=tolerance)
    # Times and what else JSON lacks are texts in the file.
    return one == other or str(one) == str(other)
