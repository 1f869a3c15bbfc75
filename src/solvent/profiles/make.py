"""From a table or an array to its profile."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatch
from typing import Any

from solvent.profiles.columns import Column, mask
from solvent.profiles.reading import WIDE, Reading, read
from solvent.profiles.records import ColumnProfile, Profile

_NUMBER = re.compile(r" (#\d+|\(\d+\))$")


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
    """Whether a column may tell no values, by its name; the second of two, "ssn #2" or "ssn (2)", like the first."""
    known = {name.lower(), _NUMBER.sub("", name.lower())}
    return any(fnmatch(each, pattern.lower()) for pattern in patterns for each in known)


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
    problems = [*_problems(columns)]
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
    column = Column(reading.name, words=reading.words)
    add_reading(column, reading, rows)
    return column.profile(digest=digest, masked=masked), column.size_bytes


def add_reading(column: Column, reading: Reading, rows: int) -> None:
    """Add a column of a table, or why it can't be read."""
    try:
        pieces = reading.pieces()
    except Exception as error:  # whatever the column holds, the others go on
        column.fail(error, rows, reading.nulls())
        return
    for piece in pieces:
        column.add(piece)


def mask_profile(profile: Profile, sensitive: Collection[str]) -> Profile:
    """Give a profile in which columns that are sensitive now tell no values, whatever they were when it was made."""
    if not any(is_sensitive(each.name, sensitive) and not each.masked for each in profile.columns):
        return profile
    columns = tuple(mask(each) if is_sensitive(each.name, sensitive) else each for each in profile.columns)
    return replace(profile, columns=columns, problems=_problems(columns))


def _problems(columns: Sequence[ColumnProfile]) -> tuple[str, ...]:
    return tuple(f"{each.name}: {each.problem}" for each in columns if each.problem)
