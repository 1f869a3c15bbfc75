"""The first rows of a stored table, read without running anything and without reading all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from solvent.errors import SolventError
from solvent.profiles.charts import cut

if TYPE_CHECKING:
    from solvent.model import ArtifactRef
    from solvent.runs.stores import Stores

ROWS = 10
_COLUMNS = 60
MASK = "•••"


class Sample(NamedTuple):
    """The first rows as texts; `right` says which columns are aligned as numbers, `hidden` how many columns are left out."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    right: tuple[bool, ...]
    hidden: int = 0
    problem: str = ""


def read_sample(artifact: ArtifactRef | None, stores: Stores) -> Sample:
    """Read the first rows of a table or array; a sample that can't be had says why in its `problem`."""
    sensitive = stores.project.settings.sensitive_columns
    if artifact is None:
        return _nothing("the rows of this version are gone; its profile is kept")
    try:
        head = _head(artifact, stores)
    except SolventError as error:
        return _nothing(f"the rows can't be read: {error.problem}")
    if head is None:
        return _nothing(f"rows of a {artifact.format} artifact are not shown")
    return sample_of(head, sensitive)


def _nothing(problem: str) -> Sample:
    return Sample((), (), (), 0, problem)


def _head(artifact: ArtifactRef, stores: Stores) -> Any:
    if artifact.format in ("pandas", "polars", "arrow") and "file" in artifact.meta:
        from solvent.artifacts.sink import Source

        return _arrow_head(Source(artifact, stores.blobs, _no_children).view(), artifact.meta["file"])
    if artifact.format == "npy":
        from solvent.artifacts.saving import load

        return load(artifact, stores.blobs)
    return None


def _no_children(child: ArtifactRef) -> Any:
    raise SolventError(f"a table with a {child.format} part is not shown")


def _arrow_head(view: memoryview, file: str) -> Any:
    import pyarrow as pa

    buffer = pa.BufferReader(pa.py_buffer(view))
    if file == "ipc":
        opened = pa.ipc.open_file(buffer)
        schema, batches = opened.schema, [opened.get_batch(0).slice(0, ROWS)] if opened.num_record_batches else []
        return pa.Table.from_batches(batches, schema=schema)
    from pyarrow import parquet

    opened = parquet.ParquetFile(buffer)
    first = next(opened.iter_batches(batch_size=ROWS), None)
    return pa.Table.from_batches([] if first is None else [first], schema=opened.schema_arrow)


def sample_of(head: Any, sensitive: Sequence[str] = ()) -> Sample:
    """Show the first rows of a pandas, polars or Arrow table, or of an array."""
    from solvent.profiles.make import is_sensitive
    from solvent.profiles.rows import as_arrow

    table = as_arrow(head[:ROWS], nan_is_null=False, loose=True)
    if table is None:
        return _nothing("an array of that shape has no rows to show")
    columns = [_python_values(table.column(at)) for at in range(min(_COLUMNS, table.num_columns))]
    names = table.column_names[: len(columns)]
    texts = [
        [MASK] * len(values) if is_sensitive(name, sensitive) else [_text(each) for each in values]
        for name, values in zip(names, columns, strict=True)
    ]
    right = tuple(
        any(isinstance(each, int | float) and not isinstance(each, bool) for each in values) for values in columns
    )
    rows = tuple(zip(*texts, strict=True))
    return Sample(tuple(names), rows, right, table.num_columns - len(columns))


def _python_values(column: Any) -> list[Any]:
    """Give Arrow values as Python's; what Python has no word for comes as Arrow's text."""
    try:
        values: list[Any] = column.to_pylist()
    except (ValueError, OverflowError, ArithmeticError, ImportError):
        values = [str(each) for each in column]
    return values


def _text(value: Any) -> str | None:
    """Show a value; None and what pandas calls missing are nothing."""
    if value is None or type(value).__name__ in ("NaTType", "NAType"):
        return None
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if hasattr(value, "hour") and hasattr(value, "year"):
        return str(value.isoformat(sep=" ", timespec="seconds"))
    return cut(str(value), 48)
