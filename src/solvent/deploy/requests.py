"""From the log of an endpoint to versions of a dataset: each line is taken once."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from solvent.deploy.rows import arrow_type, to_arrow
from solvent.errors import DataError, NotFoundError
from solvent.pipelines.pipeline import pipeline
from solvent.pipelines.step import step
from solvent.runs.witness import quietly
from solvent.serving.requestlog import ENDING, list_segments
from solvent.serving.schema import Schema, schema_from, schema_tree

if TYPE_CHECKING:
    import pyarrow as pa

    from solvent.runs.stores import Stores

AT, ID, ROW, SECONDS = "request_at", "request_id", "request_row", "request_seconds"
MODEL, BUNDLE, SEGMENT, END = "request_model", "request_bundle", "request_segment", "request_end"
OWN = (AT, ID, ROW, SECONDS, MODEL, BUNDLE, SEGMENT, END)
"""The columns that tell of a row when it was asked, in which request, how long that took, who answered, and where it is in
the log (`request_end` is where its line ends)."""
TAKEN_BYTES = 64 << 20
"""So much of a log becomes one version; more becomes several."""


class Line(NamedTuple):
    """A line of a log: its segment, where it ends there, and what it holds."""

    segment: str
    end: int
    record: dict[str, Any]


class Piece(NamedTuple):
    """A part of a segment, from one byte up to another."""

    segment: str
    start: int
    end: int


@dataclass(frozen=True)
class Gathering:
    """What to take of a log: `pieces` of the segments in the folder `log`, answered by the bundle with that digest.

    `schemas` are those of requests and responses as plain values, None where they are not known; `dataset` is the name.
    """

    log: str
    pieces: tuple[tuple[str, int, int], ...]
    bundle: str
    schemas: tuple[dict[str, Any], dict[str, Any]] | None
    dataset: str


@pipeline
def gather(config: Gathering) -> Any:
    """Give the requests of some lines of a log as a table."""
    apply = step(name="gather", dataset=config.dataset)(_gather)
    return apply(config.log, config.pieces, config.bundle, config.schemas)


def _gather(log: str, pieces: Sequence[Sequence[Any]], bundle: str, schemas: Any) -> Any:
    lines = quietly(lambda: list(read_lines(log, [Piece(*each) for each in pieces])))
    found = [each for each in lines if each.record.get("bundle") == bundle]
    return table_of(found, *(map(schema_from, schemas) if schemas else (None, None)))


def read_lines(log: str, pieces: Sequence[Piece]) -> Iterator[Line]:
    """Read the requests in pieces of a log; lines that are torn or of another kind are left out."""
    for piece in pieces:
        try:
            with open(os.path.join(log, piece.segment + ENDING), "rb") as file:
                file.seek(piece.start)
                at = piece.start
                for text in file:
                    at += len(text)
                    if at > piece.end or not text.endswith(b"\n"):
                        break
                    record = parsed(text)
                    if "columns" in record:
                        yield Line(piece.segment, at, record)
        except FileNotFoundError:
            continue  # Dropped meanwhile, since the log was full.


def parsed(text: bytes) -> dict[str, Any]:
    """Read a line; an empty record where it is no record of a log."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def table_of(lines: Sequence[Line], request: Schema | None, response: Schema | None) -> pa.Table:
    """Lay requests out as one table with a row for each row of a request."""
    import pyarrow as pa

    columns: dict[str, list[Any]] = {name: [] for name in OWN}
    names = _names(lines, "columns"), _names(lines, "answer")
    answers = {name: answer_name(name, names[0]) for name in names[1]}
    columns |= {name: [] for name in (*names[0], *answers.values())}
    for line in lines:
        rows = _row_count(line.record)
        _extend(columns, line, rows)
        for kind, among in (("columns", {name: name for name in names[0]}), ("answer", answers)):
            for name, shown in among.items():
                values = line.record[kind].get(name, [])
                columns[shown] += [*values[:rows], *[None] * (rows - len(values))]
    types = _types(request, {}) | _types(response, answers)
    own = zip(OWN, _own_types(), strict=True)
    found = {name: pa.array(columns.pop(name), kind) for name, kind in own}
    return pa.table(found | {name: _array(values, types.get(name)) for name, values in columns.items()})


def answer_name(name: str, taken: Sequence[str] = ()) -> str:
    """Name the column of an answer in the table of requests."""
    shown = "prediction" if name == "value" else name
    return f"prediction_{shown}" if shown in taken or shown in OWN else shown


def _own_types() -> list[Any]:
    import pyarrow as pa

    text = pa.string()
    return [pa.timestamp("us", "UTC"), text, pa.int64(), pa.float64(), text, text, text, pa.int64()]


def _extend(columns: dict[str, list[Any]], line: Line, rows: int) -> None:
    record = line.record
    columns[AT] += [int(record.get("at", 0) * 1e6)] * rows
    columns[ID] += [str(record.get("id", ""))] * rows
    columns[ROW] += range(rows)
    columns[SECONDS] += [record.get("seconds")] * rows
    columns[MODEL] += [str(record.get("model", ""))] * rows
    columns[BUNDLE] += [str(record.get("bundle", ""))] * rows
    columns[SEGMENT] += [line.segment] * rows
    columns[END] += [line.end] * rows


def _row_count(record: Mapping[str, Any]) -> int:
    return max((len(each) for kind in ("columns", "answer") for each in record[kind].values()), default=0)


def _names(lines: Sequence[Line], kind: str) -> list[str]:
    return list(dict.fromkeys(name for line in lines for name in line.record[kind]))


def _types(schema: Schema | None, shown: Mapping[str, str]) -> dict[str, Any]:
    return {shown.get(each.name, each.name): arrow_type(each) for each in schema.columns} if schema else {}


def _array(values: list[Any], kind: Any) -> Any:
    """Make an Arrow array; values that do not fit their type, or each other, become text."""
    try:
        return to_arrow(values, kind)
    except DataError:
        return to_arrow(values, None)


class Gathered(NamedTuple):
    """What was taken of a log now: the number of requests, and of bytes that are no lines (written by a killed process)."""

    requests: int
    torn_bytes: int


def gather_log(log: str, dataset: str, schemas: Mapping[str, tuple[Schema, Schema]], stores: Stores) -> Gathered:
    """Take what is new in a log into a dataset, as recorded runs, one for each bundle that answered.

    `schemas` are those of the bundles that are known, by digest. NotFoundError if there is no log.
    """
    if not os.path.isdir(log):
        raise NotFoundError(f"there is no log in {log}", hint="`solvent serve ... --log FOLDER` writes one")
    from solvent.runs import api

    pieces, torn = _new_pieces(log, _taken(log, dataset, stores))
    count = 0
    for some in _in_parts(pieces):
        found = Counter(each.record.get("bundle", "") for each in read_lines(log, some))
        for bundle in sorted(found):
            known = schemas.get(bundle)
            config = Gathering(
                os.path.abspath(log),
                tuple(map(tuple, some)),  # type: ignore[arg-type]
                bundle,
                (schema_tree(known[0]), schema_tree(known[1])) if known else None,
                dataset,
            )
            api.run(gather, config, engine="inline")
        count += found.total()
    return Gathered(count, torn)


def _taken(log: str, dataset: str, stores: Stores) -> dict[str, int]:
    """Tell how far each segment of a log was taken before, from the dataset itself."""
    segments = {_name(each.path) for each in list_segments(log)}
    found: dict[str, int] = {}
    # A version is made after its segments were begun, as far as the clocks of two machines agree.
    since = min(map(_begun, segments), default=0.0) - 86_400
    for table in read_versions(dataset, stores, since, (SEGMENT, END)):
        for segment, end in zip(table[SEGMENT].to_pylist(), table[END].to_pylist(), strict=True):
            if segment in segments:
                found[segment] = max(end, found.get(segment, 0))
    return found


def _new_pieces(log: str, taken: Mapping[str, int]) -> tuple[list[Piece], int]:
    pieces, torn = [], 0
    for each in list_segments(log):
        name = _name(each.path)
        start, end = taken.get(name, 0), _last_end(each.path, each.size_bytes)
        torn += each.size_bytes - end
        if end > start:
            pieces.append(Piece(name, start, end))
    return pieces, torn


def _last_end(path: str, size: int) -> int:
    """Give where the last whole line of a segment ends."""
    with suppress(OSError), open(path, "rb") as file:
        while size > 0:
            start = max(size - (1 << 20), 0)
            file.seek(start)
            if (at := file.read(size - start).rfind(b"\n")) >= 0:
                return start + at + 1
            size = start
    return 0


def _in_parts(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    part: list[Piece] = []
    for each in pieces:
        if part and sum(one.end - one.start for one in part) + each.end - each.start > TAKEN_BYTES:
            yield part
            part = []
        part.append(each)
    if part:
        yield part


def read_versions(
    dataset: str, stores: Stores, since: float, columns: Sequence[str] | None = None
) -> Iterator[pa.Table]:
    """Read the versions of a dataset that were made since then, oldest first."""
    from solvent.runs.datasets import find_dataset, has_dataset
    from solvent.runs.tables import read_tables

    if not has_dataset(dataset, stores):
        return
    for version in find_dataset(dataset, stores).versions:
        if version.made_at >= since and version.removed_at is None:
            for table in read_tables(version.artifact, stores) or ():
                yield table if columns is None else table.select(list(columns))


def count_requests(log: str, since: float) -> Counter[str]:
    """Add up what a log says of the numbers of requests since then: answered, refused, and refused for which problems."""
    found: Counter[str] = Counter()
    for each in list_segments(log):
        try:
            if os.stat(each.path).st_mtime < since:
                continue
            with open(each.path, "rb") as file:
                for text in file:
                    if b'"counts":' in text[:64] and (record := parsed(text)).get("at", 0) >= since:
                        found.update(record.get("counts", {}))
        except OSError:
            continue
    return found


def _name(path: str) -> str:
    return os.path.basename(path).removesuffix(ENDING)


def _begun(segment: str) -> float:
    """Give when a segment was begun, in seconds since the epoch."""
    digits = segment.split("-")[1] if segment.count("-") > 1 else ""
    return int(digits) / 1000 if digits.isdigit() else 0.0
