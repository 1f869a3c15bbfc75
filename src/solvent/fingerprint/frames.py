"""The identity of pandas and polars frames: their columns, and with pandas also both indexes and the attributes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from solvent.fingerprint import arrays, tables
from solvent.fingerprint.structure import digest
from solvent.fingerprint.walk import Handler, Refused, Walk
from solvent.model import Identity


def find_handler(cls: type) -> Handler | None:
    """Return what makes the identity of frames, series and indexes of this class, or None if it is none of these."""
    pandas, polars = sys.modules.get("pandas"), sys.modules.get("polars")
    if pandas is not None and hasattr(pandas, "DataFrame"):
        for kind, handler in (
            (pandas.DataFrame, _identify_pandas_frame),
            (pandas.Series, _identify_pandas_series),
            (pandas.Index, _identify_pandas_index),
            (pandas.api.extensions.ExtensionArray, _identify_pandas_array),
            (pandas.api.extensions.ExtensionDtype, _identify_dtype),
        ):
            if issubclass(cls, kind):
                return handler
    if polars is not None and hasattr(polars, "DataFrame"):
        for kind, handler in (
            (polars.DataFrame, _identify_polars_frame),
            (polars.Series, _identify_polars_series),
            (polars.DataType, _identify_dtype),
        ):
            if issubclass(cls, kind):
                return handler
    return None


def _identify_dtype(walk: Walk, value: Any) -> Identity:
    return walk.make("dtype", value, repr(value))


# pandas


def _identify_pandas_frame(walk: Walk, value: Any) -> Identity:
    columns = value.columns
    names = [label if type(label) is str else repr(label) for label in columns.tolist()]
    work = _on_pandas_column(walk, value, names)
    digests = tables.each_column(work, range(len(names)), value.size * 8)
    extras = _attributes(walk, value)
    if not (_is_plain_range(value.index) and _is_plain_header(columns)):
        extras = [_digest_index(walk, value.index), _digest_index(walk, columns), *extras]
    return tables.table_identity(value, len(value), list(zip(names, digests, strict=True)), *extras)


def _is_plain_range(index: Any) -> bool:
    """Whether an index is the one that every new frame gets, which says no more than the number of rows."""
    return type(index).__name__ == "RangeIndex" and (index.start, index.step, index.name) == (0, 1, None)


def _is_plain_header(columns: Any) -> bool:
    """Whether the labels of columns are texts and nothing else, as they are in every other library."""
    import pandas as pd

    plain = type(columns) is pd.Index and columns.name is None
    return plain and (
        str(columns.dtype) == "str" or (columns.dtype == object and len(columns) > 0 and _all_text(columns))
    )


def _all_text(columns: Any) -> bool:
    return all(type(label) is str for label in columns)


def _on_pandas_column(walk: Walk, frame: Any, names: list[str]) -> Callable[[int], str]:
    def work(position: int) -> str:
        try:
            return digest_pandas_values(walk, frame.iloc[:, position].array)
        except Refused as refusal:
            raise refusal.under(f"[{names[position]!r}]") from None

    return work


def _attributes(walk: Walk, value: Any) -> list[str]:
    """Return the digests of what a frame or series carries beside its content."""
    extras = [name for name in value._metadata if name not in ("_name", "name")]
    found = {"attrs": dict(value.attrs), **{name: getattr(value, name, None) for name in extras}}
    carried = {name: each for name, each in found.items() if each}
    if not value.flags.allows_duplicate_labels:
        carried["unique"] = True
    return [walk.visit(carried).digest] if carried else []


def _identify_pandas_series(walk: Walk, value: Any) -> Identity:
    name = walk.visit(value.name)
    content = digest_pandas_values(walk, value.array)
    extras = _attributes(walk, value)
    return walk.make("series", value, name.digest, name.type, content, _digest_index(walk, value.index), *extras)


def _identify_pandas_index(walk: Walk, value: Any) -> Identity:
    return walk.make("index", value, _digest_index(walk, value))


def _identify_pandas_array(walk: Walk, value: Any) -> Identity:
    return walk.make("values", value, digest_pandas_values(walk, value))


def _digest_index(walk: Walk, index: Any) -> str:
    names = walk.visit(list(index.names)).digest
    kind = type(index).__name__
    if kind == "RangeIndex":
        # The stop that a range is written with may lie anywhere within its last step.
        return digest("range", names, f"{index.start}:{index.start + len(index) * index.step}:{index.step}")
    if kind == "MultiIndex":
        levels = (digest_pandas_values(walk, index.get_level_values(at).array) for at in range(index.nlevels))
        return digest("levels", names, *levels)
    return digest("index", names, digest_pandas_values(walk, index.array))


def digest_pandas_values(walk: Walk, values: Any) -> str:
    """Return the digest of the values of a pandas column or index, whatever stores them."""
    import numpy as np
    import pandas as pd

    dtype = values.dtype
    boxed: Any = pd.arrays.NumpyExtensionArray
    if isinstance(values, boxed) and not isinstance(dtype, pd.StringDtype):
        values = values.to_numpy()
        dtype = values.dtype
    if isinstance(dtype, pd.StringDtype):
        return _digest_text(values, "string" if dtype.na_value is not pd.NA else "string[NA]")
    if isinstance(dtype, pd.CategoricalDtype):
        return _digest_categories(walk, values)
    if isinstance(dtype, pd.ArrowDtype):
        # To pandas these are dtypes as different as any.
        kind = tables.type_token(dtype.pyarrow_dtype, exact=True)
        return tables.digest_column(values.__arrow_array__(), f"arrow[{kind}]")
    if isinstance(dtype, pd.DatetimeTZDtype):
        return tables.digest_numbers(f"timestamp[{dtype.unit}, tz={dtype.tz}]", values.asi8, values.isna())
    if isinstance(dtype, pd.PeriodDtype):
        return digest("column", str(dtype), arrays.digest_memory(values.asi8))
    if isinstance(dtype, pd.IntervalDtype):
        bounds = (digest_pandas_values(walk, each.array) for each in (values.left, values.right))
        return digest("column", f"interval[{values.closed}]", *bounds)
    if isinstance(dtype, pd.api.extensions.ExtensionDtype):
        return _digest_extension(walk, values)
    plain = np.asarray(values)
    if plain.dtype.hasobject:
        return _digest_objects(walk, plain)
    return _digest_plain(plain)


def _digest_plain(values: Any) -> str:
    """Return the digest of a NumPy column as that of the Arrow column that it becomes: what is missing is null there."""
    import numpy as np

    dtype = values.dtype
    kind = _ARROW_NAMES.get(dtype.str)
    if kind is not None:
        return tables.digest_numbers(kind, values, np.isnan(values) if dtype.kind == "f" else None)
    if dtype.kind in "mM" and dtype.isnative and dtype.str[4:-1] in _ARROW_UNITS:
        name = "timestamp" if dtype.kind == "M" else "duration"
        return tables.digest_numbers(f"{name}[{dtype.str[4:-1]}]", values.view("i8"), np.isnat(values))
    return digest("column", dtype.str, arrays.digest_memory(values))


_ARROW_UNITS = ("s", "ms", "us", "ns")
_ARROW_NAMES = {
    **{
        f"{sign}{kind}{size}": f"{name}{size * 8}"
        for kind, name in (("i", "int"), ("u", "uint"))
        for size, sign in ((1, "|"), (2, "<"), (4, "<"), (8, "<"))
    },
    **{"|b1": "bool", "<f2": "halffloat", "<f4": "float", "<f8": "double"},
}
"""NumPy's names of types to those of Arrow for columns of the same values."""


def _digest_text(values: Any, kind: str) -> str:
    if "pyarrow" in sys.modules and hasattr(values, "__arrow_array__"):
        import pyarrow as pa

        found = values.__arrow_array__(type=pa.large_string())
        return tables.digest_column(found, kind)
    missing = values.isna()
    return tables.digest_strings(kind, [None if gone else each for each, gone in zip(values, missing, strict=True)])


def _digest_categories(walk: Walk, values: Any) -> str:
    categories = digest_pandas_values(walk, values.categories.array)
    codes = values.codes
    return digest("column", "category", str(values.ordered), categories, codes.dtype.str, arrays.digest_memory(codes))


def _digest_extension(walk: Walk, values: Any) -> str:
    import numpy as np

    dtype, missing = values.dtype, np.asarray(values.isna())
    plain = getattr(dtype, "numpy_dtype", None)
    if plain is not None and plain.kind in "iufb" and hasattr(values, "_mask"):
        content = values.to_numpy(dtype=plain, na_value=plain.type(0))
        # Without nulls the type is one that only pandas has; with them no other type of pandas could hold the same, but
        # for floats, whose missing values may be NaN.
        known = _ARROW_NAMES.get(plain.str) if missing.any() and plain.kind != "f" else None
        return tables.digest_numbers(known or str(dtype), content, missing)
    return _digest_elements(walk, str(dtype), np.asarray(values, dtype=object))


def _digest_objects(walk: Walk, values: Any) -> str:
    """Return the digest of an object column; one of nothing but text and None is hashed as text."""
    import pandas as pd

    if pd.api.types.infer_dtype(values, skipna=True) == "string" and (text := _as_text(values)) is not None:
        return text
    return _digest_elements(walk, "object", values)


def _digest_elements(walk: Walk, kind: str, values: Any) -> str:
    with walk.alone:  # columns are hashed side by side, but only one at a time may walk
        return digest("column", kind, arrays.digest_array(walk, values))


def _as_text(values: Any) -> str | None:
    import pandas as pd

    missing = pd.isna(values)
    if any(each is not None for each in values[missing]):
        return None
    if "pyarrow" in sys.modules:
        import pyarrow as pa

        try:
            return tables.digest_column(pa.array(values, type=pa.large_string(), from_pandas=False), "object[str]")
        except (pa.ArrowInvalid, UnicodeEncodeError):
            pass
    return tables.digest_strings("object[str]", values.tolist())


# polars


def _identify_polars_frame(walk: Walk, value: Any) -> Identity:
    digests = tables.each_column(_digest_polars_column, value.get_columns(), value.estimated_size())
    return tables.table_identity(value, value.height, list(zip(value.columns, digests, strict=True)))


def _digest_polars_column(series: Any) -> str:
    try:
        return _digest_series(series)
    except Refused as refusal:
        raise refusal.under(f"[{series.name!r}]") from None


def _identify_polars_series(walk: Walk, value: Any) -> Identity:
    return walk.make("series", value, value.name, _digest_series(value))


def _digest_series(series: Any) -> str:
    import polars as pl

    dtype = series.dtype
    if isinstance(dtype, pl.Object):
        raise Refused("a column of Python objects", "cast it to a type of polars")
    if dtype in (pl.Int128, getattr(pl, "UInt128", pl.Int128)):  # Arrow has no integers as wide
        return digest("wide", str(dtype), tables.digest_column(series.cast(pl.String).to_arrow()))
    try:
        column = series.to_arrow()
    except Exception as error:
        raise Refused(f"a column of type {dtype}", "cast it to a type that Arrow knows") from error
    content = tables.digest_column(column)
    # An Enum's categories and their order are part of its type; Arrow knows it as a dictionary like any other.
    return digest("enum", repr(dtype), content) if "Enum(" in repr(dtype) else content
