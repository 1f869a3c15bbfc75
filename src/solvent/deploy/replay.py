"""Replay: recorded rows through the real endpoint over HTTP, and its answers against the recorded ones."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from typing import Any, NamedTuple

from solvent.deploy.batches import Laid
from solvent.deploy.differences import Differences, compare, distance, shown
from solvent.errors import SolventError
from solvent.serving.manifest import Manifest
from solvent.serving.tables import to_columns
from solvent.serving.verification import Cell, OddRow, Replay

MOST_ROWS = 10_000
SINGLES = 300
BATCH = 64
_WORST = 10
_SHOWN_COLUMNS = 40
_SINGLE_TOLERANCE = 1e-6
"""Numbers of float32 have 24 bits: sums in another order differ by some 1e-7."""
_DECADES = range(-17, 2)


class Recorded(NamedTuple):
    """What a run recorded: request and response as columns, a plain value for each row, and what the numbers are."""

    request: Mapping[str, Sequence[Any]]
    response: Mapping[str, Sequence[Any]]
    rows: int
    single_precision: bool = False


class _Refused(Exception):
    """The endpoint did not answer."""


class Asker:
    """Sends rows to an endpoint over one connection that is kept open."""

    def __init__(self, port: int, timeout_seconds: float = 60.0) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=timeout_seconds)

    def ask(self, columns: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
        """Give the answers to some rows as columns."""
        status, body = self.post(body_of(columns))
        if status != 200:
            raise _Refused(_problem(status, body))
        return answers_of(body)

    def post(self, body: bytes) -> tuple[int, bytes]:
        try:
            self._connection.request("POST", "/predict", body, {"content-type": "application/json"})
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except (OSError, HTTPException) as error:
            self._connection.close()
            raise _Refused(f"{type(error).__name__}: {error}") from error

    def close(self) -> None:
        self._connection.close()


def answers_of(body: bytes) -> dict[str, list[Any]]:
    """Read the answers of a body as columns; one that has no name is ""."""
    predictions = json.loads(body)["predictions"]
    if isinstance(predictions, Mapping):
        return {str(name): list(values) for name, values in predictions.items()}
    if predictions and isinstance(predictions[0], Mapping):
        return {name: [each[name] for each in predictions] for name in predictions[0]}
    return {"": predictions}


def body_of(columns: Mapping[str, Sequence[Any]]) -> bytes:
    """Write columns as the body of a request; numbers that JSON lacks become null."""
    plain = {name: [_json(each) for each in values] for name, values in columns.items()}
    return json.dumps({"columns": plain}, ensure_ascii=False).encode()


def _json(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_json(each) for each in value]
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _problem(status: int, body: bytes) -> str:
    text = body.decode("utf-8", errors="replace")
    try:
        tree = json.loads(text)
        problems = tree.get("problems") or tree.get("detail") or tree.get("error") or tree
        text = json.dumps(problems[0] if isinstance(problems, list) else problems, ensure_ascii=False)
    except (ValueError, AttributeError, LookupError):
        pass
    return f"{status} {text[:200]}"


def replay(port: int, recorded: Recorded, first: Sequence[int], tolerance: float, singles: int = SINGLES) -> Replay:
    """Send recorded rows singly and in batches, and compare; `first` are the rows that are sent singly before others."""
    began = time.perf_counter()
    rows = min(recorded.rows, MOST_ROWS)
    alone = list(dict.fromkeys([*(row for row in first if row < rows), *range(rows)]))[:singles]
    check = _Replaying(recorded, tolerance)
    asker = Asker(port)
    try:
        for row in alone:
            check.try_rows(asker, [row])
        for start in range(0, rows, BATCH):
            check.try_rows(asker, list(range(start, min(rows, start + BATCH))))
    finally:
        asker.close()
    return check.record(len(alone), rows, time.perf_counter() - began)


def replay_offline(answer: Callable[[bytes], bytes], recorded: Recorded, tolerance: float, problem: str) -> Replay:
    """Compare what is answered without a server, where there is none because of the `problem`."""
    check = _Replaying(recorded, tolerance, problem)
    rows = list(range(min(recorded.rows, MOST_ROWS)))
    body = body_of({name: [values[row] for row in rows] for name, values in recorded.request.items()})
    try:
        check.compare(answers_of(answer(body)), rows)
    except SolventError as error:
        check.problem += f"; {error.problem}"
    return check.record(0, len(rows), 0.0)


class _Replaying:
    """Collects how the answers differ."""

    def __init__(self, recorded: Recorded, tolerance: float, problem: str = "") -> None:
        self._recorded = recorded
        self._tolerance = max(tolerance, _SINGLE_TOLERANCE) if recorded.single_precision else tolerance
        self._expected = Laid({name: list(values) for name, values in recorded.response.items()}, {})
        self._found = Differences()
        self._refused: dict[int, str] = {}
        self._flipped: set[int] = set()
        self._sizes: dict[str, int] = {}
        self.problem = problem
        self._numbers = 0
        self._exact = 0

    def try_rows(self, asker: Asker, rows: list[int]) -> None:
        asked = {name: [values[row] for row in rows] for name, values in self._recorded.request.items()}
        try:
            answers = asker.ask(asked)
        except _Refused as refused:
            self._refused.update(dict.fromkeys(rows, str(refused)))
            return
        self.compare(answers, rows)

    def compare(self, answers: Mapping[str, Sequence[Any]], rows: list[int]) -> None:
        """Compare the answers to some rows with the recorded ones."""
        if len(answers) == 1 and len(self._expected.columns) == 1:
            answers = {next(iter(self._expected.columns)): next(iter(answers.values()))}
        found = compare(self._expected, Laid(dict(answers), {}), rows, self._tolerance)
        self.problem = self.problem or (found.problem and f"an answer {found.problem}")
        self._found.largest = max(self._found.largest, found.largest)
        for row, cells in found.rows.items():
            self._found.rows.setdefault(row, cells)
            self._found.sizes[row] = max(self._found.sizes.get(row, 0.0), found.sizes[row])
        if not found.problem:
            self._count(answers, rows)

    def _count(self, answers: Mapping[str, Sequence[Any]], rows: list[int]) -> None:
        """Count differences by their power of ten, and answers of another class."""
        for name, values in self._expected.columns.items():
            for place, row in enumerate(rows):
                size = distance(values[row], answers[name][place])
                key = decade(size)
                self._sizes[key] = self._sizes.get(key, 0) + 1
                self._exact += size == 0
                self._numbers += 1
        for place, row in enumerate(rows):
            if self._class(row, self._expected.columns, row) != self._class(row, answers, place):
                self._flipped.add(row)

    def _class(self, row: int, columns: Mapping[str, Sequence[Any]], place: int) -> Any:
        """Give the class that an answer stands for: the label itself, or the side or place of the largest probability."""
        values = [columns[name][place] for name in self._expected.columns]
        wanted = [each[row] for each in self._expected.columns.values()]
        flat = [each for value in values for each in (value if isinstance(value, list) else [value])]
        real = [each for value in wanted for each in (value if isinstance(value, list) else [value])]
        if not all(isinstance(each, float) for each in real):
            return [each for each, other in zip(flat, real, strict=False) if not isinstance(other, float)]
        if len(real) == 1:
            return flat[0] >= 0.5 if 0 <= real[0] <= 1 and isinstance(flat[0], int | float) else None
        whole = abs(sum(real) - 1) < 1e-3 and all(0 <= each <= 1 for each in real)
        numbers = [each if isinstance(each, int | float) else -math.inf for each in flat]
        return numbers.index(max(numbers)) if whole else None

    def record(self, singles: int, rows: int, seconds: float) -> Replay:
        different = set(self._found.rows) - set(self._refused)
        finite = [size for size in self._found.sizes.values() if math.isfinite(size)]
        return Replay(
            single_rows=singles,
            batch_rows=rows,
            batch_size=BATCH,
            tolerance=self._tolerance,
            largest=max([self._found.largest, *finite]) if len(finite) == len(self._found.sizes) else math.inf,
            different_rows=len(different),
            refused_rows=len(self._refused),
            flips=len(self._flipped),
            histogram=tuple((name, self._sizes[name]) for name in decades() if name in self._sizes),
            worst=self._worst(),
            seconds=seconds,
            problem=self.problem,
            exact_share=self._exact / self._numbers if self._numbers else 0.0,
        )

    def _worst(self) -> tuple[OddRow, ...]:
        rows = sorted(self._found.rows, key=lambda row: -self._found.sizes[row])
        refused = [row for row in self._refused if row not in self._found.rows]
        chosen = [*refused[: _WORST // 2], *rows][:_WORST]
        return tuple(self._odd_row(row) for row in chosen)

    def _odd_row(self, row: int) -> OddRow:
        names = list(self._recorded.request)[:_SHOWN_COLUMNS]
        asked = {name: shown(self._recorded.request[name][row]) for name in names}
        if row in self._refused:
            wanted = next(iter(self._expected.columns.values()))[row]
            return OddRow(row, (Cell("answer", shown(wanted), self._refused[row]),), asked, None)
        size = self._found.sizes[row]
        return OddRow(row, tuple(self._found.rows[row][:6]), asked, size if math.isfinite(size) else None)


def decade(size: float) -> str:
    """Name the power of ten of a difference."""
    if size == 0:
        return "0"
    if not math.isfinite(size):
        return "other"
    power = min(max(math.floor(math.log10(size)), _DECADES[0]), _DECADES[-1])
    return f"1e{power}"


def decades() -> list[str]:
    return ["0", *(f"1e{power}" for power in _DECADES), "other"]


def recorded_rows(request: Any, response: Any, manifest: Manifest) -> Recorded:
    """Make of a recorded request and response what a client would send and get: only the columns that are asked for."""
    asked, answered = manifest.request, manifest.response
    columns = to_columns(request, [each.name for each in asked.columns])
    answers = to_columns(response, [each.name for each in answered.columns])
    single = any(each.type.lower() == "float32" for each in answered.columns)
    return Recorded(columns, answers, len(next(iter(columns.values()), ())), single)
