"""What a data page says of one column: a row of the table, and the details below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from solvent.profiles.charts import (
    NUMERIC,
    cut,
    histogram,
    is_duration,
    quantile_strip,
    share_bar,
    small_line,
    sparkline,
    value_text,
)
from solvent.profiles.drift import ColumnDrift
from solvent.profiles.histograms import share_bins, share_categories
from solvent.profiles.numbers import change_text, number_text, share_text
from solvent.profiles.records import TOP, ColumnProfile, Profile
from solvent.profiles.svg import Svg

_NAME = 80
_FEW = 9
"""How many of the most frequent numbers are shown; a histogram says the rest."""
_APART = 1000
_ORDER = {"alert": 0, "gone": 1, "new": 2, "warn": 3, "unknown": 4, "ok": 5}
_MEASURES = {
    "ks": "KS distance",
    "psi": "PSI",
    "js": "Jensen-Shannon",
    "l_infinity": "largest change of a share",
    "nulls": "change of nulls",
    "unseen": "rows with unseen values",
    "wasserstein": "Wasserstein / IQR",
}
_SHORT = {
    "ks": "KS",
    "psi": "PSI",
    "js": "JS",
    "l_infinity": "L∞",
    "nulls": "nulls",
    "unseen": "unseen",
    "wasserstein": "W1",
}
_QUANTILES = ((0, "min"), (0.01, "1 %"), (0.05, "5 %"), (0.25, "25 %"), (0.5, "median"))
_UPPER = ((0.75, "75 %"), (0.95, "95 %"), (0.99, "99 %"), (1, "max"))


class Cell(NamedTuple):
    """One number of a row: what it says now and what it said before, if that differs."""

    now: str
    was: str = ""
    severity: str = ""


class TopValue(NamedTuple):
    """One of the most frequent values with its share, and that of the other version."""

    value: str
    share: str
    bar: Svg
    was: str = ""
    new: bool = False


class Trend(NamedTuple):
    """A statistic of a column over the versions."""

    name: str
    drawing: Svg
    now: str
    range: str


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """A column as a page shows it; `sort` holds what its table can be ordered by."""

    name: str
    anchor: str
    type: str
    was_type: str
    role: str
    state: str
    drawing: Svg | None
    remark: str
    nulls: Cell
    distinct: Cell
    mean: Cell
    least: Cell
    most: Cell
    top: str
    verdict: str
    measure: str
    moved: str
    sort: dict[str, float | str]
    large: Svg | None
    strip: Svg | None
    quantiles: tuple[tuple[str, str, str], ...]
    frequent: tuple[TopValue, ...]
    facts: tuple[tuple[str, Cell], ...]
    measures: tuple[tuple[str, str], ...]
    trends: tuple[Trend, ...]


def rows_of(
    current: Profile,
    other: Profile | None = None,
    drift: dict[str, ColumnDrift] | None = None,
    history: Sequence[Profile | None] = (),
    places: Sequence[int] = (),
) -> list[ColumnRow]:
    """Give a row for each column of both profiles: those that moved most first, or in the table's order with no other.

    `history` are the profiles of all versions, oldest first, and `places` which of them are the current and the other one.
    """
    drift = drift or {}
    before = {each.name: each for each in other.columns} if other is not None else {}
    past = [{each.name: each for each in profile.columns} if profile else {} for profile in history]
    rows = []
    for at, column in enumerate(current.columns):
        trends = _trends([each.get(column.name) for each in past], places) if len(past) > 1 else ()
        found = drift.get(column.name)
        rows.append(_row(at, column, before.get(column.name), found, trends, compared=other is not None))
    names = {each.name for each in current.columns}
    gone = [each for name, each in before.items() if name not in names]
    rows += [_gone(len(rows) + at, each) for at, each in enumerate(gone)]
    return sorted(rows, key=_moved_first) if other is not None else rows


def _moved(drift: ColumnDrift | None) -> str:
    return (drift.moved or drift.why).replace(" -> ", " → ") if drift is not None else ""


def _moved_first(row: ColumnRow) -> float:
    return -float(row.sort["drift"])


def _row(
    at: int,
    column: ColumnProfile,
    other: ColumnProfile | None,
    drift: ColumnDrift | None,
    trends: tuple[Trend, ...],
    *,
    compared: bool,
) -> ColumnRow:
    comparable = other if other is not None and _same_kind(column, other) else None
    verdict = _verdict(other, drift, compared)
    drawn = bool(column.quantiles or column.top) and column.role not in ("constant", "empty")
    return ColumnRow(
        name=cut(column.name, _NAME),
        anchor=f"c{at}",
        type=column.type,
        was_type=other.type if other is not None and other.type != column.type else "",
        role=column.role if column.role not in (column.kind, column.type, "other") else "",
        state="new" if verdict == "new" else "",
        drawing=sparkline(column, comparable) if drawn and not _is_noise(column) else None,
        remark=_remark(column),
        nulls=_null_cell(column, other),
        distinct=_distinct_cell(column, other),
        mean=_cell(_mean_text(column), _mean_text(comparable)),
        least=_cell(_end_text(column, "minimum"), _end_text(comparable, "minimum")),
        most=_cell(_end_text(column, "maximum"), _end_text(comparable, "maximum")),
        top=_top_words(column),
        verdict=verdict,
        measure=_measure_text(drift),
        moved=_moved(drift),
        sort=_sort_keys(at, column, drift),
        large=histogram(column, comparable) if share_bins([column]) else None,
        strip=quantile_strip(column, comparable) if len(column.quantiles) > 2 else None,
        quantiles=_quantile_rows(column, comparable),
        frequent=_frequent(column, other),
        facts=_facts(column, comparable),
        measures=_measures(drift),
        trends=trends,
    )


def _gone(at: int, column: ColumnProfile) -> ColumnRow:
    """Give the row of a column that the current version does not have any more."""
    none = Cell("")
    return ColumnRow(
        name=cut(column.name, _NAME),
        anchor=f"c{at}",
        type=column.type,
        was_type="",
        role="",
        state="gone",
        drawing=None,
        remark="not in this version",
        nulls=none,
        distinct=none,
        mean=none,
        least=none,
        most=none,
        top="",
        verdict="gone",
        measure="",
        moved="",
        sort={
            "order": at,
            "name": column.name.lower(),
            "drift": (len(_ORDER) - 1) * _APART,
            "nulls": "",
            "distinct": "",
        },
        large=None,
        strip=None,
        quantiles=(),
        frequent=(),
        facts=(),
        measures=(),
        trends=(),
    )


def _same_kind(one: ColumnProfile, other: ColumnProfile) -> bool:
    return one.kind == other.kind


def _is_noise(column: ColumnProfile) -> bool:
    """Whether the most frequent values of a column say nothing, since nearly every row has its own."""
    if column.quantiles or not column.top:
        return False
    return column.role == "id" or (column.top[0][1] <= 2 and (column.distinct or 0) > 50)


def _verdict(other: ColumnProfile | None, drift: ColumnDrift | None, compared: bool) -> str:
    if drift is not None:
        return drift.verdict
    return "" if not compared else "new" if other is None else "unknown"


def _remark(column: ColumnProfile) -> str:
    """Say in words what a chart would not show."""
    if column.problem:
        return column.problem
    if column.masked:
        return "values are masked"
    if column.rows == 0:
        return "no rows"
    if column.nulls == column.rows or column.role == "empty":
        return "every value is null"
    if column.role == "constant" or (column.distinct == 1 and column.distinct_exact):
        value = cut(column.top[0][0]) if column.top else value_text(column, _number(column.minimum))
        return f"always {value}"
    if column.role == "id" and not column.quantiles:
        return "every value differs" if column.distinct == column.rows - column.nulls else "nearly every value differs"
    return "nearly every value differs" if _is_noise(column) else ""


def _number(value: float | int | str | None) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _cell(now: str, was: str = "", severity: str = "") -> Cell:
    return Cell(now, was if was and was != now else "", severity)


def _null_cell(column: ColumnProfile, other: ColumnProfile | None) -> Cell:
    now = _share_of(column.nulls + column.nan, column.rows)
    was = _share_of(other.nulls + other.nan, other.rows) if other is not None else None
    severity = "alert" if now >= 0.5 else "warn" if now >= 0.05 else ""
    return _cell(share_text(now), share_text(was) if was is not None else "", severity)


def _share_of(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _distinct_cell(column: ColumnProfile, other: ColumnProfile | None) -> Cell:
    return _cell(_distinct_text(column), _distinct_text(other))


def _distinct_text(column: ColumnProfile | None) -> str:
    if column is None or column.distinct is None:
        return ""
    return number_text(column.distinct) if column.distinct_exact else f"≈ {number_text(column.distinct, 3)}"


def _mean_text(column: ColumnProfile | None) -> str:
    if column is None or column.mean is None or column.kind not in NUMERIC:
        return ""
    return value_text(column, column.mean)


def _end_text(column: ColumnProfile | None, end: str) -> str:
    """Show an end of the range; for texts it says nothing and takes room."""
    value = getattr(column, end, None)
    if column is None or value is None or column.kind not in NUMERIC:
        return ""
    if isinstance(value, str):
        if column.kind == "time" and is_duration(column):
            return value_text(column, column.quantiles[0 if end == "minimum" else -1]) if column.quantiles else ""
        return _time_text(value) if column.kind == "time" else cut(value, 18)
    return value_text(column, value) if column.kind == "time" else number_text(value)


def _time_text(value: str) -> str:
    """Show a moment in ISO's words without what is the same in all of them: to the minute, and no midnight."""
    day, _, rest = value.replace("T", " ").partition(" ")
    return day if rest[:8] in ("", "00:00:00") else f"{day} {rest[:5]}"


def _top_words(column: ColumnProfile) -> str:
    if column.kind in NUMERIC and column.role != "category":
        return ""
    if _is_noise(column) or column.role in ("constant", "empty") or not column.top_rows:
        return ""
    return ", ".join(f"{cut(value, 16)} {share_text(count / column.top_rows)}" for value, count in column.top[:3])


def _measure_text(drift: ColumnDrift | None) -> str:
    if drift is None or drift.value is None:
        return ""
    shown = share_text(drift.value) if drift.measure in ("nulls", "unseen") else f"{drift.value:.2f}"
    return f"{_SHORT.get(drift.measure, drift.measure)} {shown}"


def _measures(drift: ColumnDrift | None) -> tuple[tuple[str, str], ...]:
    if drift is None:
        return ()
    found = [(_MEASURES.get(name, name), number_text(value, 3)) for name, value in drift.measures.items()]
    if drift.limits is not None:
        low, high = drift.limits
        found.append((f"limits of {_SHORT.get(drift.measure, drift.measure)}", f"warn {low:.3g}, alert {high:.3g}"))
    if drift.p_value is not None:
        found.append(("p-value", f"{drift.p_value:.3f}" if drift.p_value >= 0.001 else "< 0.001"))
    return tuple(found)


def _sort_keys(at: int, column: ColumnProfile, drift: ColumnDrift | None) -> dict[str, float | str]:
    order = _ORDER.get(drift.verdict if drift else "unknown", 4)
    value = (drift.value or 0.0) if drift is not None else 0.0
    return {
        "order": at,
        "name": column.name.lower(),
        "nulls": _share_of(column.nulls + column.nan, column.rows),
        "distinct": column.distinct if column.distinct is not None else "",
        # Verdicts first: the values of two measures can't be compared.
        "drift": (len(_ORDER) - order) * _APART + value,
    }


def _quantile_rows(column: ColumnProfile, other: ColumnProfile | None) -> tuple[tuple[str, str, str], ...]:
    if len(column.quantiles) < 3:
        return ()
    marks = (*_QUANTILES, *_UPPER)

    def text(each: ColumnProfile | None, share: float) -> str:
        if each is None or len(each.quantiles) < 3:
            return ""
        return value_text(each, each.quantiles[round(share * (len(each.quantiles) - 1))])

    return tuple((name, text(column, share), text(other, share)) for share, name in marks)


def _frequent(column: ColumnProfile, other: ColumnProfile | None) -> tuple[TopValue, ...]:
    if not column.top or _is_noise(column) or column.masked:
        return ()
    columns = [column] if other is None else [column, other]
    numeric = column.kind in NUMERIC and len(column.quantiles) > 2
    found, _ = share_categories(columns, _FEW if numeric else TOP)
    most = max((share for each in found for share in each.shares if share is not None), default=1.0) or 1.0
    rows = []
    for each in found:
        now, was = each.shares[0], each.shares[1] if other is not None else None
        said = share_text(was) if was is not None else "–"
        rows.append(
            TopValue(
                cut(each.value.removesuffix(".0") if numeric else each.value, 36),
                share_text(now) if now is not None else "–",
                share_bar(now, was, 72, most),
                said if other is not None else "",
                new=other is not None and was == 0,
            )
        )
    return tuple(rows)


def _facts(column: ColumnProfile, other: ColumnProfile | None) -> tuple[tuple[str, Cell], ...]:
    """List the statistics that have no place in the row, where they are not nothing."""
    counted = (
        ("zeros", "zeros"),
        ("negatives", "negatives"),
        ("nan", "NaN"),
        ("infinite", "infinite"),
        ("empty", "empty"),
    )
    found = []
    if column.std is not None:
        was = number_text(other.std) if other is not None and other.std is not None else ""
        found.append(("standard deviation", _cell(number_text(column.std), was)))
    for field, words in counted:
        now = getattr(column, field)
        was_count = getattr(other, field) if other is not None else 0
        if now or was_count:
            was = share_text(_share_of(was_count, other.rows)) if other is not None else ""
            found.append((words, _cell(share_text(_share_of(now, column.rows)), was)))
    if column.lengths is not None:
        found.append(("items" if column.kind == "other" else "characters", _cell(_lengths(column), _lengths(other))))
    if column.sampled is not None:
        found.append(("drawn from", Cell(f"{number_text(column.sampled)} rows")))
    return tuple(found)


def _lengths(column: ColumnProfile | None) -> str:
    if column is None or column.lengths is None:
        return ""
    least, mean, most = column.lengths
    return f"{number_text(least)} to {number_text(most)}, mean {number_text(mean, 3)}"


def _trends(past: Sequence[ColumnProfile | None], places: Sequence[int]) -> tuple[Trend, ...]:
    """Draw the statistics of a column that changed over the versions."""
    read = (
        ("mean", [each.mean if each else None for each in past]),
        ("nulls", [_share_of(each.nulls + each.nan, each.rows) if each else None for each in past]),
        ("distinct", [each.distinct if each else None for each in past]),
    )
    found = []
    for name, values in read:
        known = [value for value in values if value is not None]
        if len(known) < 2 or (name != "mean" and not any(known)):
            continue
        first, last, least, most = (
            _trend_text(each, name, past) for each in (known[0], known[-1], min(known), max(known))
        )
        words = f"{name} over {len(values)} versions: from {first} to {last}, between {least} and {most}"
        now = _trend_text(values[places[0]] if places else known[-1], name, past)
        between = f"{least} to {most}" if least != most else ""
        found.append(Trend(name, small_line(values, places, words, 110, 28), now, between))
    return tuple(found)


def _trend_text(value: float | None, name: str, past: Sequence[ColumnProfile | None]) -> str:
    newest = next(each for each in reversed(past) if each is not None)
    if value is None:
        return "–"
    if name == "mean" and newest.kind in NUMERIC:
        return value_text(newest, value)
    return number_text(value) if name == "distinct" else share_text(value)


def count_change(now: float, was: float | None) -> str:
    """Say how a number of rows or bytes compares with what it was."""
    if was is None:
        return ""
    if now == was:
        return "unchanged"
    share = f" ({change_text((now - was) / was * 100)} %)" if was else ""
    return f"{change_text(now - was, 9)}{share}"
