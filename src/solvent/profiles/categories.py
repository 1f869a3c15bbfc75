"""Shares of the categories of two columns, side by side, as far as their profiles tell them."""

from __future__ import annotations

from dataclasses import dataclass

from solvent.profiles.records import ColumnProfile

OTHER = "all others"


@dataclass(frozen=True, slots=True)
class Shares:
    """The shares that each category has on both sides, the rest of them last as `OTHER`.

    `rows` are the values that were counted on each side; `whole` says of each side whether all its categories are known.
    """

    names: tuple[str, ...]
    reference: tuple[float, ...]
    current: tuple[float, ...]
    rows: tuple[int, int]
    whole: tuple[bool, bool]

    def counts(self) -> tuple[list[float], list[float]]:
        """Give the counts of both sides in the order of the names: a test may not see them sorted by one side's counts."""
        order = sorted(range(len(self.names)), key=self.names.__getitem__)
        first, second = self.rows
        return [self.reference[at] * first for at in order], [self.current[at] * second for at in order]


@dataclass(frozen=True, slots=True)
class _Counted:
    """The known counts of one column; each other category has `typical` rows on average."""

    counts: dict[str, int]
    rows: int
    typical: float

    def share(self, name: str) -> float:
        return self.counts.get(name, self.typical) / self.rows


def category_shares(reference: ColumnProfile, current: ColumnProfile) -> Shares | None:
    """Put the categories of two columns side by side; None if one of them has none.

    A category that only one profile names is absent from the other if that one names all its categories; else it counts as
    many rows there as those that are not named have on average.
    """
    first, second = _counted(reference), _counted(current)
    if first is None or second is None:
        return None
    names = list(dict.fromkeys([*first.counts, *second.counts]))
    shares = [[side.share(name) for name in names] for side in (first, second)]
    rest = [max(1 - sum(each), 0.0) for each in shares]
    if any(each > 1e-9 for each in rest):
        names.append(OTHER)
        shares = [[*each, left] for each, left in zip(shares, rest, strict=True)]
    whole = first.typical == 0, second.typical == 0
    return Shares(tuple(names), tuple(shares[0]), tuple(shares[1]), (first.rows, second.rows), whole)


def _counted(column: ColumnProfile) -> _Counted | None:
    counts, rows = counts_of(column)
    if rows <= 0:
        return None
    rest = rows - sum(counts.values())
    if rest <= 0:
        return _Counted(counts, rows, 0.0)
    unnamed = max((column.distinct or 0) - len(counts), 1)
    least = min(counts.values(), default=rest)
    return _Counted(counts, rows, min(rest / unnamed, least))


def counts_of(column: ColumnProfile) -> tuple[dict[str, int], int]:
    """Give the counts of the most frequent values, and how many values were counted in all."""
    if column.top:
        return dict(column.top), column.top_rows or sum(count for _, count in column.top)
    filled = column.rows - column.nulls
    if column.kind == "boolean" and column.mean is not None and filled > 0:
        true = round(column.mean * filled)
        return {name: count for name, count in (("true", true), ("false", filled - true)) if count}, filled
    # Texts that are all different have no frequent ones.
    return {}, filled if column.distinct and not column.masked else 0


def unseen_share(shares: Shares) -> tuple[float, str, float] | None:
    """Give the share of rows with categories that the reference has not, and the most frequent of those with its share.

    None where the reference may have more categories than its profile names.
    """
    if not shares.whole[0]:
        return None
    new = {
        name: now
        for name, then, now in zip(shares.names, shares.reference, shares.current, strict=True)
        if then == 0 and now > 0
    }
    largest = max(new, key=new.__getitem__, default="")
    return sum(new.values()), largest, new.get(largest, 0.0)
