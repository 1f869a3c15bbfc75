"""In which rows two tables differ: as rows that one has and the other has not, and with a key as rows that changed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from solvent.errors import FormatError, NotFoundError, nearest

if TYPE_CHECKING:
    import polars
    import pyarrow

_EXAMPLES = 5
_SEEDS = (0, 1)
"""Two hashes of 64 bits each: that two different rows of a billion share both is less likely than a fault of the memory."""


@dataclass(frozen=True, slots=True)
class RowChanges:
    """How many rows were added, removed and, by a key, changed; `unchanged` ones are in both, wherever they stand.

    Without a key `changed` is None: a changed row is one removed and one added. `columns` counts the changed rows in which
    a column differs. `repeated` are the rows (before, after) whose key others have too: they are matched in the order in
    which they stand. `unknown` are those with a null in their key, which is matched like any other value. `left_out` says
    of columns that are in both why they were not compared. `examples` maps "added" and "removed" to rows, and "changed" to
    tuples of key, column, before and after.
    """

    rows: tuple[int, int]
    added: int
    removed: int
    unchanged: int
    changed: int | None = None
    key: tuple[str, ...] = ()
    columns: dict[str, int] = field(default_factory=dict)
    repeated: tuple[int, int] = (0, 0)
    unknown: tuple[int, int] = (0, 0)
    left_out: dict[str, str] = field(default_factory=dict)
    examples: dict[str, list[Any]] = field(default_factory=dict)


def compare_rows(
    before: pyarrow.Table,
    after: pyarrow.Table,
    key: Sequence[str] = (),
    *,
    nan_is_null: bool = False,
    hidden: Collection[str] = (),
) -> RowChanges:
    """Compare the columns that two tables share; a null equals a null, NaN equals NaN, and 1 equals 1.0.

    Both tables are in memory, and up to 400 bytes more for each row. `key` are columns that tell rows apart: NotFoundError
    for one that is not in both. With `nan_is_null` both are taken for a missing value, as pandas does. The examples show
    no value of a `hidden` column. Types that can't be brought together, such as text and numbers, leave a column out.
    """
    first, second, left_out = _alike(before, after, nan_is_null)
    _check_key(key, before, after, left_out)
    if not first.width:
        return RowChanges((before.num_rows, after.num_rows), after.num_rows, before.num_rows, 0, left_out=left_out)
    hashes = _hashes(first), _hashes(second)
    rest = _in_excess(*hashes), _in_excess(*reversed(hashes))
    if key:
        return _by_key(first, second, list(key), rest, left_out, hidden)
    counts = len(rest[0]), len(rest[1])
    return RowChanges(
        (first.height, second.height),
        added=counts[1],
        removed=counts[0],
        unchanged=first.height - counts[0],
        left_out=left_out,
        examples=_without_empty(
            removed=_rows(first, rest[0][:_EXAMPLES], hidden), added=_rows(second, rest[1][:_EXAMPLES], hidden)
        ),
    )


# Two tables alike


def _alike(
    before: pyarrow.Table, after: pyarrow.Table, nan_is_null: bool
) -> tuple[polars.DataFrame, polars.DataFrame, dict[str, str]]:
    """Give the common columns of both in one order, each of one type; and why some are left out."""
    pl = _polars()
    first, second = _frame(pl, before, nan_is_null), _frame(pl, after, nan_is_null)
    left_out: dict[str, str] = {}
    kinds: dict[str, Any] = {}
    for name in first.columns:
        if name in second.schema:
            kind = _common(pl, first[name], second[name])
            if kind is None:
                left_out[name] = f"{first[name].dtype} can't be compared with {second[name].dtype}"
            else:
                kinds[name] = kind
    casts = [pl.col(name).cast(kind) for name, kind in kinds.items()]
    return first.select(casts), second.select(casts), left_out


def _polars() -> Any:
    try:
        import polars
    except ImportError:
        raise FormatError("comparing rows needs polars", hint="pip install 'solvent[data]'") from None
    return polars


def _frame(pl: Any, table: pyarrow.Table, nan_is_null: bool) -> polars.DataFrame:
    frame: polars.DataFrame = pl.DataFrame(pl.from_arrow(table)) if table.num_columns else pl.DataFrame()
    floats = [name for name, dtype in frame.schema.items() if dtype.is_float()] if nan_is_null else []
    return frame.with_columns(pl.col(floats).fill_nan(None)) if floats else frame


def _common(pl: Any, ours: polars.Series, theirs: polars.Series) -> Any:
    """Give the type in which the values of both columns can be compared, or None."""
    first, second = ours.dtype, theirs.dtype
    texts = (pl.String, pl.Categorical, pl.Enum)
    if first in texts and second in texts:
        return pl.String
    if first == second:
        return first
    if pl.Null in (first, second):
        return second if first == pl.Null else first
    if first.is_numeric() and second.is_numeric():
        return _number(pl, ours, theirs)
    if first in (pl.Date, pl.Datetime) and second in (pl.Date, pl.Datetime):
        zones = [getattr(each, "time_zone", None) for each in (first, second)]
        return None if (zones[0] is None) != (zones[1] is None) else pl.Datetime("us", zones[0] and "UTC")
    return pl.Duration("us") if first == pl.Duration == second else None


def _number(pl: Any, ours: polars.Series, theirs: polars.Series) -> Any:
    """Bring numbers together without loss where that can be: floats that are whole are whole numbers with gaps."""
    if any(not each.dtype.is_integer() and not _is_whole(each) for each in (ours, theirs)):
        return pl.Float64
    return pl.Int128 if pl.UInt64 in (ours.dtype, theirs.dtype) else pl.Int64


def _is_whole(column: polars.Series) -> bool:
    if not column.dtype.is_float():
        return False
    known = column.drop_nulls()
    return bool((known.is_finite() & (known.abs() < 2.0**62) & (known.floor() == known)).all())


def _check_key(key: Sequence[str], before: Any, after: Any, left_out: dict[str, str]) -> None:
    for name in key:
        for table in (before, after):
            if name not in table.column_names:
                which = "former" if table is before else "new"
                raise NotFoundError(
                    f"the {which} version has no column {name!r}{nearest(name, table.column_names)}",
                    hint=f"its columns: {', '.join(table.column_names[:12])}",
                )
        if name in left_out:
            raise NotFoundError(f"column {name!r} can't be the key: {left_out[name]}", hint="choose another key")


# Rows as hashes


def _hashes(frame: polars.DataFrame) -> polars.DataFrame:
    """Give two hashes of each row: equal rows have equal ones, in any table."""
    pl = _polars()
    if not frame.width:
        return pl.DataFrame({f"h{seed}": pl.zeros(frame.height, pl.UInt64, eager=True) for seed in _SEEDS})  # type: ignore[no-any-return]
    return pl.DataFrame({f"h{seed}": frame.hash_rows(seed=seed) for seed in _SEEDS})  # type: ignore[no-any-return]


def _in_excess(ours: polars.DataFrame, theirs: polars.DataFrame) -> polars.Series:
    """Give the places of our rows beyond the number that the other table has of them, in order."""
    pl = _polars()
    names = ours.columns
    counts = ours.group_by(names).len("ours").join(theirs.group_by(names).len("theirs"), on=names, how="left")
    more = counts.filter(pl.col("ours") > pl.col("theirs").fill_null(0)).select(*names, pl.col("theirs").fill_null(0))
    found = ours.with_row_index("place").join(more, on=names, how="inner").sort("place")
    nth = pl.int_range(pl.len()).over(names)
    rest: polars.Series = found.filter(nth >= pl.col("theirs"))["place"]
    return rest


# By key


def _by_key(
    first: polars.DataFrame,
    second: polars.DataFrame,
    key: list[str],
    rest: tuple[polars.Series, polars.Series],
    left_out: dict[str, str],
    hidden: Collection[str],
) -> RowChanges:
    pairs = _paired(_keys(first, key, rest[0]), _keys(second, key, rest[1]))
    both = pairs.drop_nulls()
    gone = pairs.filter(pairs["after"].is_null())["before"].sort()
    new = pairs.filter(pairs["before"].is_null())["after"].sort()
    both = both.sort("after")
    counts, cells = _differing(first, second, both, [*key, *hidden])
    keys = second[both["after"].gather([place for place, _ in cells])].select(
        each for each in key if each not in hidden
    )
    return RowChanges(
        (first.height, second.height),
        added=len(new),
        removed=len(gone),
        unchanged=first.height - len(rest[0]),
        changed=both.height,
        key=tuple(key),
        columns=counts,
        repeated=(_repeated(first, key), _repeated(second, key)),
        unknown=(_unknown(first, key), _unknown(second, key)),
        left_out=left_out,
        examples=_without_empty(
            removed=_rows(first, gone[:_EXAMPLES], hidden),
            added=_rows(second, new[:_EXAMPLES], hidden),
            changed=_cells(keys, cells),
        ),
    )


def _differing(
    first: polars.DataFrame, second: polars.DataFrame, both: polars.DataFrame, hidden: Collection[str]
) -> tuple[dict[str, int], list[tuple[int, Any]]]:
    """Count the pairs of rows in which each column differs, and give the first cells of each; the key never does."""
    counts: dict[str, int] = {}
    cells: list[tuple[int, Any]] = []
    for name in first.columns:
        # One column at a time: where all rows changed, copies of both tables would be large.
        old, new = first[name].gather(both["before"]), second[name].gather(both["after"])
        differs = old.ne_missing(new)
        if count := int(differs.sum()):
            counts[name] = count
            places = [] if name in hidden else differs.arg_true()[:_EXAMPLES].to_list()
            cells += [(place, (name, old[place], new[place])) for place in places]
    return counts, cells


def _keys(frame: polars.DataFrame, key: list[str], places: polars.Series) -> polars.DataFrame:
    """Give the hashed keys of some rows with their places; the nth row of a key is the nth of it."""
    pl = _polars()
    keys = _hashes(frame[places].select(key)).with_columns(places.alias("place"))
    return keys.with_columns(nth=pl.int_range(pl.len()).over(f"h{seed}" for seed in _SEEDS))


def _paired(before: polars.DataFrame, after: polars.DataFrame) -> polars.DataFrame:
    """Give the places of the rows of each key and number, before and after; null where one side has none."""
    names = [name for name in before.columns if name != "place"]
    joined = before.rename({"place": "before"}).join(
        after.rename({"place": "after"}), on=names, how="full", coalesce=True
    )
    return joined.select("before", "after")


def _repeated(frame: polars.DataFrame, key: list[str]) -> int:
    """Count the rows whose key another row has."""
    pl = _polars()
    counts = _hashes(frame.select(key)).group_by(pl.all()).len()["len"]
    return int(counts.filter(counts > 1).sum())


def _unknown(frame: polars.DataFrame, key: list[str]) -> int:
    """Count the rows with a null in their key."""
    pl = _polars()
    return int(frame.select(pl.any_horizontal(pl.col(key).is_null()).sum()).item()) if frame.height else 0


# Examples


def _rows(frame: polars.DataFrame, places: polars.Series, hidden: Collection[str]) -> list[dict[str, Any]]:
    return frame[places].drop(name for name in frame.columns if name in hidden).to_dicts()


def _cells(keys: polars.DataFrame, cells: list[tuple[int, Any]]) -> list[tuple[Any, ...]]:
    """Give the first changed cells: key, column, before, after."""
    values = keys.rows() if keys.width else [()] * len(cells)
    found = [(place, (key, *cell)) for key, (place, cell) in zip(values, cells, strict=True)]
    return [each for _, each in sorted(found, key=lambda pair: pair[0])[:_EXAMPLES]]


def _without_empty(**examples: list[Any]) -> dict[str, list[Any]]:
    return {name: each for name, each in examples.items() if each}
