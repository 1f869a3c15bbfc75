"""Columns of checked values become the very table, array or list that the first live step takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from solvent.errors import BundleError
from solvent.serving.dtypes import arrow_type, pandas_dtype, polars_dtype
from solvent.serving.schema import CLOCK, DATE, DURATION, TIME, Column, Schema

Columns = Sequence[Sequence[Any]]
"""One list of checked values for each column of the schema."""
Maker = Callable[[Columns], Any]
Find = Callable[[str], Any]
"""Gives the class of "module:qualname"."""

_COUNTED = frozenset((TIME, DATE, CLOCK, DURATION))
NAT = -(2**63)


def maker(schema: Schema, find: Find) -> Maker:
    """Give what makes a value of the schema; everything that is the same for each request is done now."""
    make = _PACKAGES.get(schema.package)
    if make is None:
        raise BundleError(f"a request can't be a {schema.container}", hint="give the step a table, an array or a list")
    return make(schema, find)


def plain_float64(schema: Schema) -> bool:
    """Whether all columns are float64 of NumPy: then one block of numbers is all that is needed."""
    flat = schema.shape is None or len(schema.shape) <= 1
    return flat and schema.package in ("pandas", "numpy") and all(each.type == "float64" for each in schema.columns)


def block_maker(schema: Schema) -> Callable[[Any], Any]:
    """Give what makes a value of a whole array of float64 with the rows of a request."""
    if schema.package == "numpy":
        return (lambda block: block) if schema.shape else (lambda block: block[:, 0])
    import pandas as pd

    if schema.container.endswith(":Series"):
        name = _labels(schema)[0]
        return lambda block: pd.Series(block[:, 0], name=name, copy=False)
    index = pd.Index(_labels(schema))
    try:
        from pandas.api.internals import create_dataframe_from_blocks
    except ImportError:
        return lambda block: pd.DataFrame(block, columns=index, copy=False)
    import numpy as np

    places = np.arange(len(index))
    return lambda block: create_dataframe_from_blocks(
        [(block.T, places)], index=pd.RangeIndex(len(block)), columns=index
    )


def _labels(schema: Schema) -> list[Any]:
    if schema.labels == "none":
        return [None]
    return [int(name) for name in schema.names] if schema.labels == "integer" else schema.names


def _numpy(schema: Schema, find: Find) -> Maker:
    import numpy as np

    makers = [numpy_array(each) for each in schema.columns]
    shape = schema.shape or ()
    if len(shape) > 1:
        return lambda columns: makers[0](columns[0]).reshape((-1, *shape))
    if not shape:
        return lambda columns: makers[0](columns[0])
    return lambda columns: np.column_stack([make(each) for make, each in zip(makers, columns, strict=True)])


def numpy_array(column: Column) -> Callable[[Sequence[Any]], Any]:
    """Give what makes an array of a column's values."""
    import numpy as np

    if column.type == "object":
        return lambda values: object_array(values, column)
    dtype = np.dtype(column.type)
    if dtype.kind in "Mm":
        return lambda values: np.array([NAT if each is None else each for each in values], "int64").view(dtype)
    if dtype.kind == "U":
        width = dtype.itemsize // 4
        return lambda values: np.asarray(values, f"<U{max([width, *map(len, values)])}")
    return lambda values: np.asarray(values, dtype)


def object_array(values: Sequence[Any], column: Column) -> Any:
    """Give an array of objects, with the missing value that the column had in training."""
    import numpy as np

    found = np.empty(len(values), object)
    missing = missing_value(column)
    found[:] = values if missing is None else [missing if each is None else each for each in values]
    return found


def missing_value(column: Column) -> Any:
    if column.missing == "nan":
        return float("nan")
    if column.missing in ("NA", "NaT"):
        import pandas as pd

        return getattr(pd, column.missing)
    return None


def _pandas(schema: Schema, find: Find) -> Maker:
    import pandas as pd

    makers = [pandas_array(each) for each in schema.columns]
    labels = _labels(schema)
    if schema.container.endswith(":Series"):
        return lambda columns: pd.Series(makers[0](columns[0]), name=labels[0], copy=False)
    index = pd.Index(labels)
    try:
        from pandas.api.internals import create_dataframe_from_blocks
    except ImportError:
        return lambda columns: _frame(makers, columns, index)
    import numpy as np

    blocks = [(np.dtype(kind), np.array(places)) for kind, places in _numbers(schema).items()]
    alone = [(at, np.array([at])) for at in range(len(labels)) if not any(at in places for _, places in blocks)]

    def make(columns: Columns) -> Any:
        parts: list[Any] = [(np.array([columns[at] for at in places], dtype), places) for dtype, places in blocks] + [
            (_as_block(makers[at](columns[at])), place) for at, place in alone
        ]
        return create_dataframe_from_blocks(parts, index=pd.RangeIndex(len(columns[0])), columns=index)

    return make


def _as_block(array: Any) -> Any:
    """Give an array as a block of one column: those of pandas are one as they are, but for times, which have two sides."""
    sided = type(array).__module__ == "numpy" or type(array).__name__ in ("DatetimeArray", "TimedeltaArray")
    return array.reshape(1, -1) if sided else array


def _frame(makers: Sequence[Callable[[Sequence[Any]], Any]], columns: Columns, index: Any) -> Any:
    """Make a table as every version of pandas can."""
    import pandas as pd

    arrays = {at: make(each) for at, (make, each) in enumerate(zip(makers, columns, strict=True))}
    found = pd.DataFrame(arrays, copy=False)
    found.columns = index
    return found


def _numbers(schema: Schema) -> dict[str, list[int]]:
    """Give the places of the columns of each plain type of numbers: one block holds them all."""
    found: dict[str, list[int]] = {}
    for at, column in enumerate(schema.columns):
        if column.type in _BLOCKS:
            found.setdefault(column.type, []).append(at)
    return found


_BLOCKS = frozenset(("bool", *(f"{kind}{bits}" for kind in ("int", "uint", "float") for bits in (8, 16, 32, 64)))) - {
    "float8"
}


def pandas_array(column: Column) -> Callable[[Sequence[Any]], Any]:
    """Give what makes an array of pandas, or of NumPy, of a column's values."""
    import numpy as np
    import pandas as pd

    dtype: Any = pandas_dtype(column)
    if isinstance(dtype, np.dtype):
        return numpy_array(column)
    if isinstance(dtype, pd.CategoricalDtype):
        codes: dict[Any, int] = {each: at for at, each in enumerate(column.categories)} | {None: -1}
        return lambda values: pd.Categorical.from_codes([codes[each] for each in values], dtype=dtype)
    if isinstance(dtype, pd.DatetimeTZDtype):
        naive = numpy_array(Column("", f"datetime64[{dtype.unit}]", TIME))
        return lambda values: pd.DatetimeIndex(naive(values)).tz_localize("UTC").tz_convert(dtype.tz).array
    if isinstance(dtype, pd.ArrowDtype):
        arrow = arrow_array(column, dtype.pyarrow_dtype)
        return lambda values: pd.arrays.ArrowExtensionArray(arrow(values))  # type: ignore[attr-defined]
    make_array = dtype.construct_array_type()._from_sequence
    return lambda values: make_array(list(values), dtype=dtype)


def _polars(schema: Schema, find: Find) -> Maker:
    import polars as pl

    makers = [polars_series(each) for each in schema.columns]
    if schema.container.endswith(":Series"):
        name = "" if schema.labels == "none" else schema.columns[0].name
        return lambda columns: makers[0](columns[0]).alias(name)
    return lambda columns: pl.DataFrame([make(each) for make, each in zip(makers, columns, strict=True)])


def polars_series(column: Column) -> Callable[[Sequence[Any]], Any]:
    """Give what makes a series of polars of a column's values."""
    import polars as pl

    dtype = polars_dtype(column.type, column)
    if column.kind in _COUNTED and column.type != "Object":
        counted = pl.Int32() if column.kind == DATE else pl.Int64()
        return lambda values: pl.Series(column.name, values, dtype=counted).cast(dtype)
    return lambda values: pl.Series(column.name, values, dtype=dtype)


def _arrow(schema: Schema, find: Find) -> Maker:
    import pyarrow as pa

    types = [arrow_type(each.type, each) for each in schema.columns]
    makers = [arrow_array(each, kind) for each, kind in zip(schema.columns, types, strict=True)]
    fields = pa.schema(list(zip(schema.names, types, strict=True)))
    make_table: Any = pa.RecordBatch if schema.container.endswith(":RecordBatch") else pa.Table
    return lambda columns: make_table.from_arrays(
        [make(each) for make, each in zip(makers, columns, strict=True)], schema=fields
    )


def arrow_array(column: Column, kind: Any) -> Callable[[Sequence[Any]], Any]:
    """Give what makes an Arrow array of a column's values."""
    import pyarrow as pa

    if column.kind in _COUNTED and column.kind != DATE:
        counted = pa.int32() if str(kind).startswith("time32") else pa.int64()
        return lambda values: pa.array(values, counted).cast(kind)
    if column.kind == DATE:
        if pa.types.is_date64(kind):
            return lambda values: pa.array(values, pa.int32()).cast(pa.date32()).cast(kind)
        return lambda values: pa.array(values, pa.int32()).cast(kind)
    return lambda values: pa.array(values, kind)


def _builtins(schema: Schema, find: Find) -> Maker:
    if schema.container.endswith(":dict"):
        return _dict(schema, find)
    whole: Any = tuple if schema.container.endswith(":tuple") else list
    if not schema.item:
        return lambda columns: whole(columns[0])
    names = schema.names
    if schema.item == "builtins:dict":
        absent = frozenset(each.name for each in schema.columns if each.missing == "absent")
        return lambda columns: whole(_row_dict(names, row, absent) for row in zip(*columns, strict=True))
    kind = find(schema.item)
    return lambda columns: whole(kind(**dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True))


def _row_dict(names: list[str], row: Sequence[Any], absent: frozenset[str]) -> dict[str, Any]:
    pairs = zip(names, row, strict=True)
    return {name: value for name, value in pairs if value is not None or name not in absent} if absent else dict(pairs)


def _dict(schema: Schema, find: Find) -> Maker:
    package = schema.item.partition(":")[0].partition(".")[0]
    makers: list[Callable[[Sequence[Any]], Any]] = []
    for each in schema.columns:
        one = Schema(schema.item, (each,), () if package == "numpy" else None, labels="none")
        makers.append(list if package == "builtins" else _alone(maker(one, find)))
    names = schema.names
    return lambda columns: {name: make(each) for name, make, each in zip(names, makers, columns, strict=True)}


def _alone(make: Maker) -> Callable[[Sequence[Any]], Any]:
    return lambda values: make([values])


_PACKAGES: dict[str, Callable[[Schema, Find], Maker]] = {
    "numpy": _numpy,
    "pandas": _pandas,
    "polars": _polars,
    "pyarrow": _arrow,
    "builtins": _builtins,
}
