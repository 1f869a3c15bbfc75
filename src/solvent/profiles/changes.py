"""What can be measured between two profiles of one column, before anybody judges it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from solvent.profiles.categories import Shares, category_shares, unseen_share
from solvent.profiles.cumulative import Cumulative, cumulative
from solvent.profiles.limits import few
from solvent.profiles.measures import (
    Curve,
    binned,
    deciles,
    farthest,
    gaps,
    jensen_shannon,
    largest_change,
    stability_index,
    wasserstein,
)
from solvent.profiles.records import DOMAIN, ColumnProfile
from solvent.profiles.significance import distance_p_value, share_p_value, shares_p_value, unseen_p_value
from solvent.profiles.wording import change, moved_category, moved_range, percent

NUMBERS = ("number", "time")


@dataclass(slots=True)
class Change:
    """The measures between two profiles of a column, each with what is needed to judge it.

    `p_values` are those of the tests that belong to measures, `few` the measures that need them since there are few rows,
    `words` tell what moved. Only `judged` measures have a say; `why` says what stands in the way of the others.
    """

    measures: dict[str, float] = field(default_factory=dict)
    p_values: dict[str, float] = field(default_factory=dict)
    few: set[str] = field(default_factory=set)
    words: dict[str, Callable[[], str]] = field(default_factory=dict)
    judged: set[str] = field(default_factory=set)
    compared: bool = False
    why: str = ""

    def add(self, name: str, value: float, p_value: float, words: Callable[[], str], *, few: bool) -> None:
        self.measures[name], self.p_values[name], self.words[name] = value, p_value, words
        self.judged.add(name)
        if few:
            self.few.add(name)


def measure(reference: ColumnProfile, current: ColumnProfile, *, brief: bool = False) -> Change:
    """Measure what two profiles of one column allow to be measured; both have rows. If `brief`, only what is judged."""
    found = Change()
    _missing(reference, current, found)
    obstacle = _obstacle(reference, current)
    if obstacle:
        found.why = obstacle
    elif reference.kind in NUMBERS:
        _numbers(reference, current, found, brief=brief)
    else:
        _categories(reference, current, found)
    return found


def _missing(reference: ColumnProfile, current: ColumnProfile, found: Change) -> None:
    rows = reference.rows, current.rows
    for name, word, counts in (
        ("nulls", "missing", (reference.missing, current.missing)),
        ("infinite", "infinite", (reference.infinite, current.infinite)),
    ):
        if name == "nulls" or any(counts):
            before, after = counts[0] / rows[0], counts[1] / rows[1]
            said = partial("{} {}".format, word, change(before, after))
            found.add(name, abs(after - before), share_p_value(counts, rows), said, few=few(rows))


def _obstacle(reference: ColumnProfile, current: ColumnProfile) -> str:
    """Say why the values of two columns of one kind can't be compared, or nothing if they can."""
    both = reference, current
    problem = next((each.problem for each in both if each.problem), None)
    if problem:
        return problem
    if any(each.masked for each in both):
        return "it is masked: only what is missing is compared"
    if all(each.rows - each.missing <= 0 for each in both):
        return "it has no values on either side"
    for each, side in zip(both, ("former", "new"), strict=True):
        if each.rows - each.missing <= 0:
            return f"the {side} column has no values"
    if reference.kind == "other":
        return f"values of the type {current.type} are not compared"
    return ""


def _numbers(reference: ColumnProfile, current: ColumnProfile, found: Change, *, brief: bool) -> None:
    first, second = cumulative(reference), cumulative(current)
    if first is None or second is None:
        found.why = "a profile has no distribution of its values"
        return
    rows = _drawn(reference), _drawn(current)
    curve = gaps(first, second)
    ends = deciles(first, reference.quantiles)
    shares = binned(first, ends), binned(second, ends)
    counts = [[each * rows[side] for each in shares[side]] for side in (0, 1)]

    def words() -> str:
        return moved_range(curve, first, second, current)

    distance = farthest(curve)
    found.add("ks", distance, distance_p_value(distance, rows), words, few=few(rows))
    found.add("psi", stability_index(*shares), shares_p_value(*counts), words, few=few(rows, len(shares[0])))
    if not brief and (moved := wasserstein(curve, first)) is not None:
        found.measures["wasserstein"] = moved
    found.compared = True
    _leave_out(reference, current, found, (first, second), curve)


def _leave_out(
    reference: ColumnProfile, current: ColumnProfile, found: Change, ends: tuple[Cumulative, Cumulative], curve: Curve
) -> None:
    """New data has new ids and later times: their measures are shown and say nothing."""
    if reference.role == "id":
        found.why = "an id: other values are no drift"
    elif reference.kind == "time" and _later(*ends):
        found.why = "time went on"
    else:
        return
    found.judged -= {"ks", "psi"}


def _later(reference: Cumulative, current: Cumulative) -> bool:
    return current.values[0] >= reference.values[0] and current.values[-1] > reference.values[-1]


def _drawn(column: ColumnProfile) -> int:
    """Give the number of values that a column's distribution was drawn from."""
    filled = column.rows - column.missing - column.infinite
    return max(min(filled, column.sampled or filled), 1)


def _categories(reference: ColumnProfile, current: ColumnProfile, found: Change) -> None:
    shares = category_shares(reference, current)
    if shares is None:
        found.why = "a profile has no counts of its values"
        return
    bins, p_value = len(shares.names), shares_p_value(*shares.counts())

    def words() -> str:
        return moved_category(shares)

    pair = shares.reference, shares.current
    found.add("l_infinity", largest_change(*pair), p_value, words, few=few(shares.rows))
    if _is_small(reference) and _is_small(current):
        found.add("psi", stability_index(*pair), p_value, words, few=few(shares.rows, bins))
        found.add("js", jensen_shannon(*pair), p_value, words, few=few(shares.rows, bins))
    found.compared = True
    if reference.role == "id":
        found.why = "an id: other values are no drift"
        found.judged -= {"l_infinity", "psi", "js"}
    else:
        _unseen(shares, found)


def _is_small(column: ColumnProfile) -> bool:
    return column.kind == "boolean" or (column.distinct or 0) <= DOMAIN


def _unseen(shares: Shares, found: Change) -> None:
    seen = unseen_share(shares)
    if seen is None:
        return
    share, name, largest = seen
    # Rare values that are not in both of two small tables are many and each is chance: the largest tells.
    p_value = min(unseen_p_value(round(largest * shares.rows[1]), shares.rows) * len(shares.names), 1.0)
    words = partial("unseen {} {}".format, name, percent(largest))
    found.add("unseen", share, p_value, words, few=few(shares.rows, len(shares.names)))
