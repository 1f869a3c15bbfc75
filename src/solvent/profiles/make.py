"""From a table or an array to its profile."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from fnmatch import fnmatch
from typing import Any

from solvent.profiles.columns import Column
from solvent.profiles.reading import WIDE, Reading, read
from solvent.profiles.records import ColumnProfile, Profile


def make_profile(value: Any, *, digests: Mapping[str, str] | None = None, sensitive: Collection[str] = ()) -> Profile:
    """Give the profile of a pandas, polars or Arrow table or series, or of a NumPy array.

    Columns of a pandas index that have a name count as columns. An array of more than two dimensions or 256 columns has one
    column, of all its elements. `digests` are those of the columns' contents. Columns whose names match one of `sensitive`
    (as in a shell, in any case: `ssn*`) tell no values. A column that can't be profiled says why in its `problem`. TypeError
    for anything else than tables and arrays.
    """
    began = time.perf_counter()
    table = read(value)
    columns: list[ColumnProfile] = []
    size_bytes = left_out = 0
    for reading in table.columns:
        if len(columns) == WIDE:
            left_out += 1
            continue
        made, size = _profile(
            reading, table.rows, (digests or {}).get(reading.name), is_sensitive(reading.name, sensitive)
        )
        columns.append(made)
        size_bytes += size
    return gather(
        columns,
        rows=table.rows,
        shape=table.shape,
        kind=table.kind,
        size_bytes=size_bytes,
        left_out=left_out,
        began=began,
    )


def is_sensitive(name: str, patterns: Collection[str]) -> bool:
    """Whether a column may tell no values, by its name."""
    return any(fnmatch(name.lower(), pattern.lower()) for pattern in patterns)


def gather(
    columns: list[ColumnProfile],
    *,
    rows: int,
    shape: tuple[int, ...],
    size_bytes: int,
    began: float,
    kind: str = "table",
    left_out: int = 0,
) -> Profile:
    """Put the profiles of columns together to that of a table, made since `began`."""
    problems = [f"{each.name}: {each.problem}" for each in columns if each.problem]
    if left_out:
        problems.append(f"{left_out:,} more columns were not profiled")
    return Profile(
        rows,
        tuple(columns),
        size_bytes,
        kind=kind,
        shape=tuple(shape),
        method="pyarrow",
        sampled=min((each.sampled for each in columns if each.sampled is not None), default=None),
        seconds=time.perf_counter() - began,
        problems=tuple(problems),
    )


def _profile(reading: Reading, rows: int, digest: str | None, masked: bool) -> tuple[ColumnProfile, int]:
    try:
        pieces = reading.pieces()
        column = Column(reading.name, pieces[0].type, words=reading.words)
        for piece in pieces:
            column.add(piece)
    except Exception as error:  # whatever the column holds, the others go on
        problem = f"{type(error).__name__}: {str(error)[:500]}"
        return _unread(reading, rows, problem, digest, masked), 0
    return column.profile(digest=digest, masked=masked), column.size_bytes


def _unread(reading: Reading, rows: int, problem: str, digest: str | None, masked: bool) -> ColumnProfile:
    words = reading.words or "object"
    nulls = reading.nulls()
    return ColumnProfile(
        reading.name, words, "other", "other", rows, nulls, digest=digest, masked=masked, problem=problem
    )
