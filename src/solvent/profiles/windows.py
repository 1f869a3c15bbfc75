"""One profile for several versions together, such as the last four weeks."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from solvent.errors import SolventError
from solvent.profiles.categories import counts_of
from solvent.profiles.cumulative import Cumulative, cumulative
from solvent.profiles.records import QUANTILES, ColumnProfile, Profile


def window(profiles: Sequence[Profile]) -> Profile:
    """Merge the profiles of several versions into one that `compare` takes as its reference.

    It has the columns of the newest, which comes last; of each, those versions count in which it is of the same kind.
    Counts, moments and distributions are those of all rows together; the number of distinct values is the largest of any
    version.
    Raises SolventError if there are no profiles.
    """
    if not profiles:
        raise SolventError("a window needs at least one profile")
    newest = profiles[-1]
    columns = tuple(_merged([_same(each, one) for one in profiles], each) for each in newest.columns)
    rows = sum(each.rows for each in profiles)
    shape = (rows, *newest.shape[1:]) if newest.shape else ()
    return replace(
        newest,
        rows=rows,
        columns=columns,
        shape=shape,
        size_bytes=sum(each.size_bytes for each in profiles),
        seconds=sum(each.seconds for each in profiles),
        method=f"{len(profiles)} profiles",
        duplicates=None,
    )


def _same(column: ColumnProfile, profile: Profile) -> ColumnProfile | None:
    found = profile.column(column.name)
    return found if found is not None and found.kind == column.kind else None


def _merged(versions: Sequence[ColumnProfile | None], newest: ColumnProfile) -> ColumnProfile:
    columns = [each for each in versions if each is not None]
    if len(columns) == 1:
        return newest
    sampled = any(each.sampled is not None for each in columns)
    found: dict[str, Any] = {name: sum(getattr(each, name) for each in columns) for name in _COUNTED}
    found |= _moments(columns) | _distribution(columns) | _frequent(columns)
    return replace(
        newest,
        **found,
        minimum=_extreme(min, [each.minimum for each in columns if each.minimum is not None]),
        maximum=_extreme(max, [each.maximum for each in columns if each.maximum is not None]),
        distinct=max((each.distinct for each in columns if each.distinct is not None), default=None),
        distinct_exact=False,
        edges=(),
        counts=(),
        sampled=sum(each.sampled or each.rows for each in columns) if sampled else None,
        digest=None,
        masked=any(each.masked for each in columns),
        problem=next((each.problem for each in columns if each.problem), None),
    )


_COUNTED = ("rows", "nulls", "nan", "infinite", "zeros", "negatives", "empty")


def _finite(column: ColumnProfile) -> int:
    return max(column.rows - column.missing - column.infinite, 0)


def _moments(columns: Sequence[ColumnProfile]) -> dict[str, Any]:
    """Merge means and deviations: Chan, Golub and LeVeque (1979)."""
    parts = [(_finite(each), each.mean, each.std or 0.0) for each in columns if each.mean is not None]
    rows = sum(each for each, _, _ in parts)
    if not rows:
        return {"mean": None, "std": None}
    mean = math.fsum(count * value for count, value, _ in parts if value is not None) / rows
    squares = math.fsum(count * (std**2 + (value - mean) ** 2) for count, value, std in parts if value is not None)
    known = any(each.std is not None for each in columns)
    return {"mean": mean, "std": math.sqrt(squares / rows) if known else None}


def _distribution(columns: Sequence[ColumnProfile]) -> dict[str, Any]:
    nothing: dict[str, Any] = {"values": (), "cdf": (), "quantiles": ()}
    parts = [(cumulative(each), _finite(each)) for each in columns]
    there = [(each, rows) for each, rows in parts if each is not None and rows]
    if not there:
        return nothing
    mixed = _mixture(there)
    quantiles = tuple(mixed.quantile(at / (QUANTILES - 1)) for at in range(QUANTILES))
    if all(each.values for each in columns if _finite(each)):
        total: Counter[float] = Counter()
        for each in columns:
            total.update(dict(each.values))
        return {**nothing, "values": tuple(sorted(total.items())), "quantiles": quantiles}
    points = (
        (value, share) for value, *ends in zip(mixed.values, mixed.below, mixed.upto, strict=True) for share in ends
    )
    return {**nothing, "cdf": tuple(dict.fromkeys(points)), "quantiles": quantiles}


def _mixture(parts: Sequence[tuple[Cumulative, int]]) -> Cumulative:
    """Give the distribution of all rows together."""
    rows = sum(each for _, each in parts)
    values = sorted({value for each, _ in parts for value in each.values})
    below = [math.fsum(each.share_below(value) * count for each, count in parts) / rows for value in values]
    upto = [math.fsum(each.share_upto(value) * count for each, count in parts) / rows for value in values]
    return Cumulative(tuple(values), tuple(below), tuple(upto))


def _frequent(columns: Sequence[ColumnProfile]) -> dict[str, Any]:
    """Add up the counts of the frequent values; what one version does not name is missing from its count."""
    total: Counter[str] = Counter()
    rows = 0
    for each in columns:
        counts, counted = counts_of(each)
        total.update(counts)
        rows += counted
    return {"top": tuple(total.most_common()), "top_rows": rows}


def _extreme(choose: Callable[[Any], Any], values: Sequence[Any]) -> Any:
    try:
        return choose(values) if values else None
    except TypeError:  # of unlike types
        return values[-1]
