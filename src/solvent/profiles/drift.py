"""How far the data of one profile has moved from that of another, told from the profiles alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from solvent.profiles.records import Profile

OK, WARN, ALERT, NEW, GONE, UNKNOWN = "ok", "warn", "alert", "new", "gone", "unknown"


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """How far one column has moved.

    `verdict` is ok, warn, alert, new, gone or unknown (there is nothing to compare; `why` says what stands in the way).
    `measure` and `value` are those that decided, and `limits` from where on it warns and alerts. `measures` are all that
    could be had: ks, psi, js, l_infinity, nulls, unseen, wasserstein. `p_value` is of the test of the values, `adjusted` the
    same after Benjamini and Hochberg over all columns. `moved` tells the category or range that moved, in words.
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
    by what its changes were so far. Only `important` columns make the table alert by themselves; None stands for all.
    """
    found = tuple(ColumnDrift(each.name, each.kind, UNKNOWN) for each in current.columns)
    return TableDrift(UNKNOWN, found, (reference.rows, current.rows))


def window(profiles: Sequence[Profile]) -> Profile:
    """Merge the profiles of several versions into one that `compare` takes as its reference, such as the last four weeks."""
    return profiles[-1]
