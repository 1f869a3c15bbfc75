"""The ready-made step that splits a table, with a record of how, and a look for leaks between the parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeVar

from solvent.errors import AuthoringError, nearest
from solvent.pipelines.context import seed
from solvent.pipelines.step import step
from solvent.profiles.records import SplitRecord
from solvent.profiles.rowset import Name, Rows
from solvent.steps.assignment import (
    PARTS,
    Moment,
    Shares,
    Times,
    by_chance,
    by_class,
    by_column,
    by_cuts,
    by_hash,
    by_time,
    by_units,
    classes_of,
    hashes_of,
    units_by_hash,
)

T = TypeVar("T")
Names = Name | Sequence[Name]
Strategy = Literal["hash", "random", "time", "group", "stratified", "column"]

STRATEGIES = ("hash", "random", "time", "group", "stratified", "column")
_USED_BY = {
    "balanced": ("group",),
    "salt": ("hash", "group", "stratified"),
    "test_from": ("time",),
    "validation_from": ("time",),
}


class Parts(NamedTuple, Generic[T]):
    """The parts of a table, each of its type and in its order, and the record of the split."""

    train: T
    validation: T
    test: T
    record: SplitRecord


class Roles(NamedTuple):
    """The columns that say something about the split, by their names in the table."""

    key: tuple[Name, ...] = ()
    group: tuple[Name, ...] = ()
    time: Name | None = None
    target: Name | None = None
    column: Name | None = None


def split(
    table: T,
    *,
    by: Strategy = "hash",
    key: Names | None = None,
    group: Names | None = None,
    time: Name | None = None,
    target: Name | None = None,
    column: Name | None = None,
    test: float = 0.2,
    validation: float = 0.0,
    test_from: Moment | None = None,
    validation_from: Moment | None = None,
    balanced: bool = False,
    salt: str = "",
) -> Parts[T]:
    """Split a table into train, validation and test, write down how, and look for leaks between them.

    The table is a pandas or polars frame, an Arrow table or a NumPy array (its columns are named by numbers); the parts are
    of the same type and keep order and index. `by` says what decides:

    - `hash`: the hash of the `key` column(s); without one, of the whole row but its target. A row never changes its part
      when others come or go, and equal rows are in one part. The shares are met within chance.
    - `random`: the generator of the step run, so the run's seed; the shares are exact.
    - `time`: the latest rows by the `time` column are test, those before them validation; or what begins at `test_from`
      and `validation_from`. Rows of one moment stay together.
    - `group`: the hash of the `group` column(s), so whole groups; `balanced` meets the shares better, but new groups may
      move old ones.
    - `stratified`: each class of `target` by itself, in the order of the hashes of `hash`; ten ranges of a numeric target.
    - `column`: the values of `column`, which name the part.

    The columns that are named and do not decide are used to look for leaks. Another `salt` draws another split by hash.
    Raises AuthoringError for arguments that do not fit, NotFoundError for a column that the table does not have.
    """
    from solvent.steps.account import account

    rows = Rows(table)
    shares = _shares(validation, test)
    _check_use(by, balanced=balanced, salt=salt, test_from=test_from, validation_from=validation_from)
    roles = _roles(rows, key, group, time, target, column)
    codes = _assign(rows, by, roles, shares, (validation_from, test_from), balanced, salt)
    record = account(rows, codes, by, roles, _asked(by, shares, test_from), seed() if by == "random" else None, salt)
    train, validation_part, test_part = (rows.take(codes == code) for code in range(len(PARTS)))
    return Parts(train, validation_part, test_part, record)


if not TYPE_CHECKING:  # through a Step, checkers would lose that the parts have the type of the table
    split = step(split)


def assign(batch: Any, *, key: Names | None = None, test: float = 0.2, validation: float = 0.0, salt: str = "") -> Any:
    """Tell the part of each row of a batch by the hash of a key: a NumPy array of 0 for train, 1 validation, 2 test.

    A row gets the same part in any batch, and the part that `split(..., by="hash")` gives it; so a table of any size is
    split in one pass. Without a key the whole row is hashed, a target too.
    """
    rows = Rows(batch)
    roles = _roles(rows, key, None, None, None, None)
    return by_hash(hashes_of(rows, _deciding(rows, roles), salt), _shares(validation, test))


def _assign(
    rows: Rows,
    by: str,
    roles: Roles,
    shares: Shares,
    cuts: tuple[Moment | None, Moment | None],
    balanced: bool,
    salt: str,
) -> Any:
    if by == "random":
        return by_chance(len(rows), shares)
    if by == "time":
        name = _needed(by, "time", roles.time)
        times = Times.of(rows, name)
        return by_time(times, shares) if cuts == (None, None) else by_cuts(times, rows.column(name), *cuts)
    if by == "column":
        name = _needed(by, "column", roles.column)
        return by_column(rows.column(name), name)
    if by == "group":
        hashes = hashes_of(rows, list(_needed(by, "group", roles.group)), salt)
        return by_units(units_by_hash(hashes), shares) if balanced else by_hash(hashes, shares)
    hashes = hashes_of(rows, _deciding(rows, roles), salt)
    if by == "hash":
        return by_hash(hashes, shares)
    if by == "stratified":
        return by_class(classes_of(rows.column(_needed(by, "target", roles.target))), hashes, shares)
    raise AuthoringError(
        f"by={by!r}{nearest(by, STRATEGIES)} is no way to split", hint=f"ways: {', '.join(STRATEGIES)}"
    )


def _deciding(rows: Rows, roles: Roles) -> list[Name]:
    """Give the columns whose hash decides: the key, or all but the target, whose correction must not move a row."""
    return list(roles.key) or [name for name in rows.names if name != roles.target] or rows.names


def _needed(by: str, argument: str, given: Any) -> Any:
    if given is None or given == ():
        raise AuthoringError(
            f"by={by!r} needs {argument}=", hint=f"name the column: split(..., by={by!r}, {argument}=...)"
        )
    return given


def _check_use(by: str, **given: Any) -> None:
    """Refuse arguments that would be ignored, since who gives them expects another split."""
    for name, value in given.items():
        ways = _USED_BY[name]
        if value and by in STRATEGIES and by not in ways:
            raise AuthoringError(
                f"{name}={value!r} means nothing with by={by!r}",
                hint=f"it belongs to by={' or '.join(map(repr, ways))}",
            )


def _shares(validation: float, test: float) -> Shares:
    for name, given in (("validation", validation), ("test", test)):
        if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given < 1:
            raise AuthoringError(
                f"{name}={given!r}: expected a share from 0 to less than 1", hint=f"{name}=0.2 is a fifth"
            )
    if validation + test >= 1:
        raise AuthoringError(
            f"validation={validation} and test={test} leave nothing to train on",
            hint="let them be less than 1 together",
        )
    return Shares(float(validation), float(test))


def _roles(
    rows: Rows, key: Names | None, group: Names | None, time: Name | None, target: Name | None, column: Name | None
) -> Roles:
    def find(name: Name | None, role: str) -> Name | None:
        return None if name is None else rows.find(name, role)

    return Roles(
        tuple(rows.find(name, "key") for name in _several(key)),
        tuple(rows.find(name, "group") for name in _several(group)),
        *(find(time, "time"), find(target, "target"), find(column, "column")),
    )


def _several(names: Names | None) -> Sequence[Name]:
    if names is None:
        return ()
    return (names,) if isinstance(names, str | int) else tuple(names)


def _asked(by: str, shares: Shares, test_from: Moment | None) -> tuple[float | None, ...]:
    """Give the shares that were asked for, or None for each where a column or a point of time decides."""
    if by == "column" or (by == "time" and test_from is not None):
        return (None, None, None)
    return (1 - shares.validation - shares.test, shares.validation, shares.test)
