"""How far the data of one profile has moved from that of another, told from the profiles alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from solvent.profiles.changes import Change, measure
from solvent.profiles.limits import CHANCE, LIMITS, NEWEST, VERSIONS, learnt, severity
from solvent.profiles.records import ColumnProfile, Profile
from solvent.profiles.significance import adjusted
from solvent.profiles.windows import window

__all__ = ["ColumnDrift", "TableDrift", "compare", "window"]

OK, WARN, ALERT, NEW, GONE, UNKNOWN = "ok", "warn", "alert", "new", "gone", "unknown"

WARNING_SHARE = 0.3
"""A table alerts where so many of its columns warn. evidently asks for half of them, which hides what a few columns say."""


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """How far one column has moved.

    `verdict` is ok, warn, alert, new, gone or unknown (there is nothing to compare; `why` says what stands in the way).
    `measure` and `value` are those that decided, and `limits` from where on it warns and alerts. `measures` are all that
    could be had: ks, psi, js, l_infinity, nulls, infinite, unseen, wasserstein (in interquartile ranges, never judged).
    `p_value` is of the measure that decided, `adjusted` the same after Benjamini and Hochberg over all columns; they count
    only where there are few rows. `moved` tells the category or range that moved, in words.
    """

    name: str
    kind: str
    verdict: str
    measure: str = ""
    value: float | None = None
    limits: tuple[float, float] | None = None
    measures: dict[str, float] = field(default_factory=dict)
    p_value: float | None = None
    adjusted: float | None = None
    moved: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class TableDrift:
    """How far a table has moved: a verdict (ok, warn, alert or unknown), why, and its columns in their order.

    `rows` are those of the reference and of the current table; `versions` is the number of former versions that the limits
    were learnt from, 0 where they are the fixed ones.
    """

    verdict: str
    columns: tuple[ColumnDrift, ...]
    rows: tuple[int, int] = (0, 0)
    why: str = ""
    versions: int = 0

    def column(self, name: str) -> ColumnDrift | None:
        return next((each for each in self.columns if each.name == name), None)


def compare(
    reference: Profile,
    current: Profile,
    history: Sequence[Profile] = (),
    *,
    important: Collection[str] | None = None,
) -> TableDrift:
    """Tell how far each column of `current` has moved from `reference`, and what that says of the table.

    `history` are the profiles of former versions, oldest first, the reference among them: from ten on, each column is judged
    by what its changes were so far. A table alerts if one of the `important` columns does (None stands for all), or if 30 %
    of its columns, and more than one, warn or alert.
    """
    rows = reference.rows, current.rows
    if not all(rows):
        side = "neither table" if not any(rows) else "the former table" if not rows[0] else "the new table"
        why = f"{side} has {'any' if side.startswith('neither') else 'no'} rows"
        unknown = (ColumnDrift(each.name, each.kind, UNKNOWN, why=why) for each in current.columns)
        return TableDrift(UNKNOWN, tuple(unknown), rows, why)
    pairs = {each.name: (reference.column(each.name), each) for each in current.columns}
    changes = {
        name: measure(before, after)
        for name, (before, after) in pairs.items()
        if before is not None and before.kind == after.kind
    }
    chances = _chances(changes)
    past = list(history)[-NEWEST:] if len(history) >= VERSIONS else []
    found = []
    for name, (before, after) in pairs.items():
        if name in changes:
            limits = _limits(name, changes[name], past)
            found.append(_judged(after, changes[name], limits, chances[name]))
        else:
            found.append(_changed(before, after))
    found += [_gone(each) for each in reference.columns if each.name not in pairs]
    return _table(found, rows, important, len(past))


def _changed(reference: ColumnProfile | None, current: ColumnProfile) -> ColumnDrift:
    """Judge a column that is new, or whose values are of another kind."""
    if reference is None:
        return ColumnDrift(current.name, current.kind, NEW, moved="a new column")
    moved = f"{reference.type} -> {current.type}"
    return ColumnDrift(current.name, current.kind, ALERT, "type", moved=moved, why="its type changed")


def _gone(reference: ColumnProfile) -> ColumnDrift:
    return ColumnDrift(reference.name, reference.kind, GONE, moved="the column is gone")


def _chances(changes: Mapping[str, Change]) -> dict[str, dict[str, float]]:
    """Adjust the p-values of each measure over all columns that have it; give them by column."""
    found: dict[str, dict[str, float]] = {name: {} for name in changes}
    for kind in LIMITS:
        there = {name: each.p_values[kind] for name, each in changes.items() if kind in each.judged}
        for name, p_value in adjusted(there).items():
            found[name][kind] = p_value
    return found


def _limits(name: str, change: Change, past: Sequence[Profile]) -> dict[str, tuple[float, float]]:
    """Give the limits of a column's measures: learnt from all consecutive versions that could be measured, else fixed."""
    limits = {kind: LIMITS[kind] for kind in change.judged}
    if not past:
        return limits
    columns = [each.column(name) for each in past]
    former = [
        measure(first, second, brief=True).measures
        for first, second in pairwise(columns)
        if first is not None and second is not None and first.kind == second.kind and first.rows and second.rows
    ]
    for kind in limits:
        # Without an infinite value on either side nothing was measured, and nothing changed.
        values = [each.get(kind, 0.0) for each in former if kind in each or kind == "infinite"]
        if len(values) >= VERSIONS - 1:
            limits[kind] = learnt(kind, values)
    return limits


def _judged(
    current: ColumnProfile, change: Change, limits: Mapping[str, tuple[float, float]], chances: Mapping[str, float]
) -> ColumnDrift:
    """Judge a column by the worst of its measures; where none is beyond its limits, name the one that comes nearest."""

    def badness(kind: str) -> tuple[int, float]:
        value = change.measures[kind]
        chance = kind in change.few and chances[kind] >= CHANCE
        return 0 if chance else severity(value, limits[kind]), value / (limits[kind][1] or 1.0)

    ranked = sorted(change.judged, key=badness, reverse=True)
    worst = ranked[0]
    beyond = [kind for kind in ranked if badness(kind)[0]]
    verdict = (UNKNOWN if change.why and not change.compared else OK, WARN, ALERT)[badness(worst)[0]]
    return ColumnDrift(
        current.name,
        current.kind,
        verdict,
        worst,
        change.measures[worst],
        limits[worst],
        change.measures,
        change.p_values[worst],
        chances[worst],
        "; ".join(dict.fromkeys(filter(None, (change.words[kind]() for kind in beyond)))),
        change.why,
    )


def _table(
    columns: Iterable[ColumnDrift], rows: tuple[int, int], important: Collection[str] | None, versions: int
) -> TableDrift:
    found = tuple(columns)
    bad = [each for each in found if each.verdict in (WARN, ALERT, NEW, GONE)]
    alerting = [
        each.name for each in bad if each.verdict in (ALERT, GONE) and (important is None or each.name in important)
    ]
    known = sum(each.verdict != UNKNOWN for each in found)
    if alerting:
        verdict, why = ALERT, f"{', '.join(alerting[:3])}{' and others' if len(alerting) > 3 else ''}"
    elif len(bad) > 1 and len(bad) >= WARNING_SHARE * len(found):
        verdict, why = ALERT, f"{len(bad)} of {len(found)} columns warn"
    elif bad:
        verdict, why = WARN, ", ".join(each.name for each in bad[:3])
    else:
        verdict, why = OK if known else UNKNOWN, "" if known else "no column could be compared"
    return TableDrift(verdict, found, rows, why, versions)
