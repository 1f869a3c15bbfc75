"""The table in the type that the step asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

from solvent.errors import DataError, SourceError, nearest
from solvent.sources.batches import BATCH_ROWS, Batches
from solvent.sources.records import Columns, Data, Where
from solvent.sources.tables import FileData, check_columns, expression


def deliver(data: Data, kind: Any, columns: Columns, where: Where, name: str) -> tuple[Any, bool]:
    """Give the table as `kind`, and whether reading goes on later: lazy tables are read when they are used."""
    asked = _name_of(kind)
    if asked not in _KINDS:
        raise DataError(
            f"source `{name}` can't be given as {_shown(kind)}{nearest(_shown(kind), _KINDS)}",
            hint=f"ask for one of: {', '.join(_KINDS)}",
        )
    make, lazy = _KINDS[asked]
    return make(data, columns, where, name), lazy


def default_kind() -> str:
    """Give what is delivered when nothing is asked for: pandas, else polars, else Arrow."""
    for package, kind in (("pandas", "pandas.DataFrame"), ("polars", "polars.DataFrame")):
        if find_spec(package) is not None:
            return kind
    return "pyarrow.Table"


def require_pyarrow(name: str) -> None:
    if find_spec("pyarrow") is None:
        raise SourceError(f"source `{name}` needs pyarrow, which is not installed", hint="pip install 'solvent[data]'")


def _name_of(kind: Any) -> str:
    if kind is None:
        return default_kind()
    if kind is Batches:
        return "Batches"
    if isinstance(kind, str):
        return kind
    module = getattr(kind, "__module__", "")
    return f"{module.partition('.')[0].lstrip('_')}.{getattr(kind, '__qualname__', kind)}"


def _shown(kind: Any) -> str:
    return kind if isinstance(kind, str) else f"{getattr(kind, '__module__', '')}.{getattr(kind, '__qualname__', kind)}"


def _arrow(data: Data, columns: Columns, where: Where, name: str) -> Any:
    return data.table(columns, where)


def _pandas(data: Data, columns: Columns, where: Where, name: str) -> Any:
    return data.table(columns, where).to_pandas()


def _polars(data: Data, columns: Columns, where: Where, name: str) -> Any:
    import polars as pl

    return pl.from_arrow(data.table(columns, where))


def _lazy(data: Data, columns: Columns, where: Where, name: str) -> Any:
    import polars as pl

    if data.dataset is None or where is not None:
        return _polars(data, columns, where, name).lazy()
    check_columns(data.entry, columns, data.schema)
    if isinstance(data, FileData) and data.paths and data.uniform and data.form in ("parquet", "arrow"):
        scan = pl.scan_parquet if data.form == "parquet" else pl.scan_ipc
        named = pl.from_arrow(data.partition_schema.empty_table()).schema  # type: ignore[union-attr]
        return scan(list(data.paths), hive_partitioning=bool(named), hive_schema=named or None).select(
            columns or data.schema.names
        )
    frame = pl.scan_pyarrow_dataset(data.dataset)
    return frame if columns is None else frame.select(columns)


def _batches(data: Data, columns: Columns, where: Where, name: str) -> Any:
    import pyarrow as pa

    check_columns(data.entry, columns, data.schema)
    schema = data.schema if columns is None else pa.schema([data.schema.field(each) for each in columns])
    read: Callable[[], Iterator[Any]] = lambda: data.batches(columns, where, BATCH_ROWS)  # noqa: E731
    return Batches(schema, read, name)


def _duckdb(data: Data, columns: Columns, where: Where, name: str) -> Any:
    import duckdb

    if data.dataset is None:
        return duckdb.from_arrow(data.table(columns, where))
    check_columns(data.entry, columns, data.schema)
    found = duckdb.from_arrow(data.dataset if where is None else data.dataset.filter(expression(where)))
    return found if columns is None else found.select(*map(duckdb.ColumnExpression, columns))


_KINDS: dict[str, tuple[Callable[[Data, Columns, Where, str], Any], bool]] = {
    "pandas.DataFrame": (_pandas, False),
    "polars.DataFrame": (_polars, False),
    "polars.LazyFrame": (_lazy, True),
    "pyarrow.Table": (_arrow, False),
    "duckdb.DuckDBPyRelation": (_duckdb, True),
    "Batches": (_batches, True),
}
