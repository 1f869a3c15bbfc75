"""A statistic of a dataset from version to version, read from the stored profiles alone."""

from __future__ import annotations

from dataclasses import fields
from typing import NamedTuple

from solvent.errors import NotFoundError, nearest
from solvent.profiles.records import ColumnProfile, Profile
from solvent.runs.datasets import Dataset

OF_TABLE = ("rows", "columns", "size_bytes", "duplicates")
OF_COLUMN = tuple(
    each.name
    for each in fields(ColumnProfile)
    if each.name in ("nulls", "nan", "infinite", "zeros", "negatives", "empty", "minimum", "maximum", "mean", "std")
    or each.name == "distinct"
)
SHARES = ("missing", "missing_share", "median")
"""Statistics of a column that its profile has not by that name."""


class Point(NamedTuple):
    """The statistic of one version; None where its profile has none."""

    number: int
    made_at: float
    value: float | None


def read_history(dataset: Dataset, statistic: str, *, limit: int | None = None) -> list[Point]:
    """Read a statistic of the newest versions of a dataset, oldest first.

    `statistic` is rows, columns, size_bytes or duplicates, or of a column: "delay.mean", "carrier.distinct", "delay.nulls".
    NotFoundError if there is no such column or statistic in any version.
    """
    column, _, name = statistic.rpartition(".")
    versions = dataset.newest(limit)
    profiles = [version.known_profile for version in versions]
    _check(dataset.name, column, name, [each for each in profiles if each is not None])
    return [
        Point(version.number, version.made_at, None if profile is None else _value(profile, column, name))
        for version, profile in zip(versions, profiles, strict=True)
    ]


def _check(dataset: str, column: str, name: str, profiles: list[Profile]) -> None:
    if not profiles:
        raise NotFoundError(f"no version of {dataset} has statistics")
    known = OF_TABLE if not column else (*OF_COLUMN, *SHARES)
    names = list(dict.fromkeys(each.name for profile in reversed(profiles) for each in profile.columns))
    if column and column not in names:
        raise NotFoundError(
            f"{dataset} has no column {column!r}{nearest(column, names)}", hint=f"columns: {', '.join(names[:12])}"
        )
    if not column and name in names:
        raise NotFoundError(f"{name!r} is a column", hint=f"say which statistic: {name}.mean, {name}.nulls, ...")
    if name not in known:
        hint = f"statistics: {', '.join(known)}" + ("" if column else "; or COLUMN.mean ...")
        raise NotFoundError(f"there is no statistic {name!r}{nearest(name, known)}", hint=hint)


def _value(profile: Profile, column: str, name: str) -> float | None:
    if not column:
        return len(profile.columns) if name == "columns" else getattr(profile, name)
    found = profile.column(column)
    if found is None or (found.masked and name not in ("nulls", "missing", "missing_share")):
        return None
    if name == "missing_share":
        return found.missing / found.rows if found.rows else None
    if name == "median":
        return found.quantiles[len(found.quantiles) // 2] if found.quantiles else None
    value = getattr(found, name)
    return value if isinstance(value, int | float) else None
