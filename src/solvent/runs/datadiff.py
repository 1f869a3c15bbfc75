"""Two versions of a dataset side by side: schema, columns, rows, drift, and what came of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from solvent.runs.datasets import DatasetVersion

if TYPE_CHECKING:
    from solvent.profiles.drift import TableDrift
    from solvent.profiles.records import Profile
    from solvent.profiles.rowdiff import RowChanges

SAME, CHANGED, TYPE, NEW, GONE, UNKNOWN = "same", "changed", "type", "new", "gone", "unknown"
_HISTORY = 30
"""How many former versions the limits of drift are learnt from at most."""


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """What became of one column: `status` is same, changed, type, new or gone, or unknown where no digest says more.

    `types` are those before and after, None where the column is not there.
    """

    name: str
    status: str
    types: tuple[str | None, str | None]


@dataclass(frozen=True, slots=True)
class VersionDiff:
    """How two versions differ. `rows` is None where rows were not compared, for the reason in `rows_why`.

    `drift` is None where one of them has no profile.
    """

    first: DatasetVersion
    second: DatasetVersion
    columns: tuple[ColumnChange, ...]
    reordered: bool
    rows: RowChanges | None
    rows_why: str
    drift: TableDrift | None

    @property
    def same(self) -> bool:
        """Whether both have equal content."""
        return self.first.digest == self.second.digest


def compare_versions(
    first: DatasetVersion, second: DatasetVersion, *, key: Sequence[str] = (), read: bool = True
) -> VersionDiff:
    """Compare two versions, mostly by what is on record: the tables are read only if rows can differ, and with `read`.

    `key` are columns that tell rows apart. NotFoundError if a version is not in the store any more or lacks one.
    """
    profiles = first.profile, second.profile
    columns = _columns(first, second, profiles)
    rows, why = None, ""
    if first.digest == second.digest:
        why = "equal content"
    elif not read:
        why = "not asked for"
    elif _none_differs(columns, profiles):
        why = "equal rows: what the columns have in common has equal digests"
    else:
        rows, why = _compare_rows(first, second, key)
    return VersionDiff(
        first, second, columns, _reordered(first, second, profiles), rows, why, _drift(first, second, profiles)
    )


def _types(version: DatasetVersion, profile: Profile | None) -> dict[str, str]:
    """Give the columns of a version with their types, by its profile, else by its digests alone."""
    if profile is not None:
        return {column.name: column.type for column in profile.columns}
    return dict.fromkeys(version.artifact.columns or {}, "")


def _columns(
    first: DatasetVersion, second: DatasetVersion, profiles: tuple[Profile | None, Profile | None]
) -> tuple[ColumnChange, ...]:
    before, after = _types(first, profiles[0]), _types(second, profiles[1])
    digests = _digests(first, profiles[0]), _digests(second, profiles[1])
    names = [*after, *(name for name in before if name not in after)]
    return tuple(_column(name, before.get(name), after.get(name), digests) for name in names)


def _column(
    name: str, before: str | None, after: str | None, digests: tuple[dict[str, str], dict[str, str]]
) -> ColumnChange:
    if before is None or after is None:
        return ColumnChange(name, NEW if before is None else GONE, (before, after))
    ours, theirs = (each.get(name) for each in digests)
    if ours is not None and ours == theirs:
        status = SAME
    elif before != after:
        status = TYPE
    else:
        status = CHANGED if ours and theirs else UNKNOWN
    return ColumnChange(name, status, (before, after))


def _digests(version: DatasetVersion, profile: Profile | None) -> dict[str, str]:
    stored = version.artifact.columns
    if stored is not None or profile is None:
        return dict(stored or {})
    return {column.name: column.digest for column in profile.columns if column.digest}


def _reordered(first: DatasetVersion, second: DatasetVersion, profiles: tuple[Profile | None, Profile | None]) -> bool:
    """Whether the columns that both have stand in another order."""
    before, after = _types(first, profiles[0]), _types(second, profiles[1])
    return [name for name in before if name in after] != [name for name in after if name in before]


def _none_differs(columns: tuple[ColumnChange, ...], profiles: tuple[Profile | None, Profile | None]) -> bool:
    """Whether the digests alone say that both have the same rows, as far as their common columns go."""
    rows = [profile.rows for profile in profiles if profile is not None]
    common = [each for each in columns if each.status not in (NEW, GONE)]
    return len(set(rows)) == 1 and len(rows) == 2 and bool(common) and all(each.status == SAME for each in common)


def _compare_rows(first: DatasetVersion, second: DatasetVersion, key: Sequence[str]) -> tuple[RowChanges | None, str]:
    from solvent.profiles.rowdiff import compare_rows
    from solvent.profiles.rows import as_arrow

    before, after = (as_arrow(each.value(), nan_is_null=False, loose=True) for each in (first, second))
    if before is None or after is None:
        return None, "this is no table: only that the content differs is known"
    pandas = [version.artifact.type.startswith("pandas") for version in (first, second)]
    patterns = second.sensitive
    names = {*before.column_names, *after.column_names}
    hidden = {name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)}
    return compare_rows(before, after, key, nan_is_null=pandas[0] != pandas[1], hidden=hidden), ""


def _drift(
    first: DatasetVersion, second: DatasetVersion, profiles: tuple[Profile | None, Profile | None]
) -> TableDrift | None:
    if profiles[0] is None or profiles[1] is None:
        return None
    from solvent.profiles.drift import compare

    former = first.dataset.newest(_HISTORY, before=first.number + 1)
    history = [profile for version in former[:-1] if (profile := version.known_profile) is not None]
    return compare(profiles[0], profiles[1], [*history, profiles[0]])
