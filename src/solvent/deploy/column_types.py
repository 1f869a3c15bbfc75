"""What a column holds, read off its type in each library, and off its values where the type says nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from solvent.errors import BundleError
from solvent.serving.schema import (
    BOOLEAN,
    CLOCK,
    DATE,
    DECIMAL,
    DURATION,
    INTEGER,
    NUMBER,
    OTHER,
    TEXT,
    TIME,
    Column,
)

_NUMPY = {"f": NUMBER, "i": INTEGER, "u": INTEGER, "b": BOOLEAN, "M": TIME, "m": DURATION, "U": TEXT}
_PYTHON: tuple[tuple[type, str], ...] = (
    (bool, BOOLEAN),
    (int, INTEGER),
    (float, NUMBER),
    (str, TEXT),
    (datetime, TIME),
    (date, DATE),
    (time, CLOCK),
    (timedelta, DURATION),
    (Decimal, DECIMAL),
)
MOST_CATEGORIES = 10_000


def _refuse(name: str, type_name: Any, hint: str = "convert the column in a step before the request") -> BundleError:
    return BundleError(f"column {name!r} has the type {type_name}, which has no form in JSON", hint=hint)


def numpy_column(name: str, values: Any, nested: bool = False) -> Column:
    """Describe an array, or one column of it; a `nested` one has lists for its rows."""
    dtype = values.dtype
    if dtype.kind == "O":
        return _object_column(name, values.ravel().tolist())
    kind = _NUMPY.get(dtype.kind)
    if kind is None or (kind == TIME and dtype.str[-1] == "8") or (dtype.itemsize > 8 and dtype.kind == "f"):
        raise _refuse(name, dtype)
    if nested:
        return Column(name, str(dtype), OTHER)
    if kind in (TIME, DURATION):
        if not any(unit in str(dtype) for unit in ("[s]", "[ms]", "[us]", "[ns]")):
            raise _refuse(name, dtype)
        return Column(name, str(dtype), kind, nullable=bool((values.view("int64") == -(2**63)).any()))
    missing = bool(kind == NUMBER and (values != values).any())
    return Column(
        name, str(dtype) if kind != TEXT else dtype.str[1:].join(("<", "")), kind, missing, **_range(kind, values)
    )


def _range(kind: str, values: Any) -> dict[str, Any]:
    """Give the least and the largest finite number."""
    import numpy as np

    if kind not in (NUMBER, INTEGER):
        return {}
    array = np.asarray(values)
    finite = array[np.isfinite(array)] if kind == NUMBER else array
    return {"low": finite.min().item(), "high": finite.max().item()} if finite.size else {}


def pandas_column(name: str, series: Any) -> Column:
    """Describe a column of pandas."""
    import numpy as np
    import pandas as pd

    dtype = series.dtype
    missing = bool(series.isna().any())
    if isinstance(dtype, np.dtype):
        return numpy_column(name, series.to_numpy())
    if isinstance(dtype, pd.CategoricalDtype):
        return _categorical(name, dtype, missing)
    if isinstance(dtype, pd.StringDtype):
        return Column(name, string_name(dtype), TEXT, missing)
    if isinstance(dtype, pd.DatetimeTZDtype):
        if str(dtype) != str(pd.api.types.pandas_dtype(str(dtype))) or pd.api.types.pandas_dtype(str(dtype)) != dtype:
            raise _refuse(name, dtype, "use a time zone that has a name")
        return Column(name, str(dtype), TIME, missing)
    if isinstance(dtype, pd.ArrowDtype):
        found = arrow_column(name, series.array.__arrow_array__())
        return replace(found, type=f"{found.type}[pyarrow]")
    if dtype.kind in "iufb" and str(dtype) in _NULLABLE:
        kind = _NUMPY[dtype.kind]
        return Column(name, str(dtype), kind, missing, **_range(kind, series.dropna().to_numpy(dtype.numpy_dtype)))
    raise _refuse(name, dtype)


_NULLABLE = frozenset(
    ["boolean", "Float32", "Float64", *(f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64))]
)


def string_name(dtype: Any) -> str:
    """Name a dtype of texts: "str" and "string" for what pandas makes of these words, else with its storage."""
    import pandas as pd

    short = "string" if dtype.na_value is pd.NA else "str"
    usual = pd.StringDtype(na_value=dtype.na_value)
    return short if usual.storage == dtype.storage and short == "str" else f"{short}[{dtype.storage}]"


def _categorical(name: str, dtype: Any, missing: bool) -> Column:
    import pandas as pd

    categories = dtype.categories
    values = categories.tolist()
    if not all(type(each) in (str, int, float, bool) for each in values):
        raise _refuse(name, f"category of {type(values[0]).__name__}", "name its categories by texts or numbers")
    if len(values) > MOST_CATEGORIES:
        raise BundleError(
            f"column {name!r} has {len(values):,} categories; at most {MOST_CATEGORIES:,} are asked for by name",
            hint="make it a column of text",
        )
    of = categories.dtype
    of_name = string_name(of) if isinstance(of, pd.StringDtype) else str(of)
    kind = {bool: BOOLEAN, int: INTEGER, float: NUMBER}.get(type(values[0]), TEXT) if values else TEXT
    return Column(name, "category", kind, missing, tuple(values), ordered=bool(dtype.ordered), of=of_name)


def polars_column(name: str, series: Any) -> Column:
    """Describe a column of polars."""
    import polars as pl

    dtype = series.dtype
    missing = bool(series.null_count())
    if isinstance(dtype, pl.Enum):
        return Column(name, "Enum", TEXT, missing, tuple(dtype.categories.to_list()))
    kind = _polars_kind(name, dtype)
    column = Column(name, polars_name(name, dtype), kind, missing)
    if kind in (NUMBER, INTEGER) and series.len() > series.null_count():
        finite = series.filter(series.is_finite()) if kind == NUMBER else series.drop_nulls()
        column = replace(column, low=finite.min(), high=finite.max())
        if kind == NUMBER and series.is_nan().any():
            # JSON has one word for what is missing, and null is what polars calls so.
            column = replace(column, nullable=True)
    return column


def _polars_kind(name: str, dtype: Any) -> str:
    import polars as pl

    if dtype.is_float():
        return NUMBER
    if dtype.is_integer():
        return INTEGER
    kinds: dict[Any, str] = {
        pl.Boolean: BOOLEAN,
        pl.String: TEXT,
        pl.Categorical: TEXT,
        pl.Datetime: TIME,
        pl.Date: DATE,
        pl.Time: CLOCK,
        pl.Duration: DURATION,
        pl.Decimal: DECIMAL,
        pl.List: OTHER,
        pl.Array: OTHER,
    }
    kind = next((kind for each, kind in kinds.items() if dtype == each), None)
    if kind is None:
        raise _refuse(name, dtype)
    return kind


def polars_name(name: str, dtype: Any) -> str:
    """Name a type of polars: "Datetime[us, UTC]", "List[Float64]"..."""
    import polars as pl

    short = type(dtype).__name__
    if isinstance(dtype, pl.Datetime):
        return f"{short}[{dtype.time_unit}{f', {dtype.time_zone}' if dtype.time_zone else ''}]"
    if isinstance(dtype, pl.Duration):
        return f"{short}[{dtype.time_unit}]"
    if isinstance(dtype, pl.Decimal):
        return f"{short}[{dtype.precision}, {dtype.scale}]"
    if isinstance(dtype, pl.List | pl.Array):
        inner: Any = dtype.inner
        if _polars_kind(name, inner) not in (NUMBER, INTEGER, BOOLEAN, TEXT, OTHER) or (
            isinstance(dtype, pl.Array) and len(dtype.shape) != 1
        ):
            raise _refuse(name, dtype)
        size = f", {dtype.shape[0]}" if isinstance(dtype, pl.Array) else ""
        return f"{short}[{polars_name(name, inner)}{size}]"
    return short


def arrow_column(name: str, values: Any) -> Column:
    """Describe a column of Arrow."""
    import pyarrow as pa
    import pyarrow.compute

    pc: Any = pyarrow.compute
    kind = arrow_kind(name, values.type)
    column = Column(name, str(values.type), kind, bool(values.null_count))
    if kind in (NUMBER, INTEGER) and len(values) > values.null_count and values.type != pa.float16():
        found = pc.min_max(pc.if_else(pc.is_finite(values), values, None) if kind == NUMBER else values).as_py()
        column = replace(column, low=found["min"], high=found["max"])
        if kind == NUMBER and pc.any(pc.is_nan(values)).as_py():
            column = replace(column, nullable=True)
    return column


def arrow_kind(name: str, kind: Any) -> str:
    import pyarrow as pa

    tests: tuple[tuple[Callable[[Any], bool], str], ...] = (
        (pa.types.is_floating, NUMBER),
        (pa.types.is_integer, INTEGER),
        (pa.types.is_boolean, BOOLEAN),
        (pa.types.is_string, TEXT),
        (pa.types.is_large_string, TEXT),
        (pa.types.is_timestamp, TIME),
        (pa.types.is_date, DATE),
        (pa.types.is_time, CLOCK),
        (pa.types.is_duration, DURATION),
        (pa.types.is_decimal, DECIMAL),
    )
    found = next((known for is_kind, known in tests if is_kind(kind)), None)
    if found is not None:
        return found
    if pa.types.is_dictionary(kind) and arrow_kind(name, kind.value_type) == TEXT:
        return TEXT
    if (pa.types.is_list(kind) or pa.types.is_large_list(kind)) and arrow_kind(name, kind.value_type) in (
        NUMBER,
        INTEGER,
        BOOLEAN,
        TEXT,
        OTHER,
    ):
        return OTHER
    raise _refuse(name, kind)


def _object_column(name: str, values: Sequence[Any]) -> Column:
    """Describe a column of objects by what it holds."""
    there = [each for each in values if not _is_missing(each)]
    markers = {_marker(each) for each in values if _is_missing(each)}
    if len(markers) > 1:
        markers = {""} if "" in markers else {"nan"}
    kind, zoned = _kind_of(name, there)
    missing = next(iter(markers), "")
    return Column(
        name, "object", kind, bool(len(there) < len(values)), missing=missing, of="datetime, UTC" if zoned else ""
    )


def python_column(name: str, values: Sequence[Any]) -> Column:
    """Describe a list of objects of Python: by their type if all have one, else as objects."""
    there = [each for each in values if each is not None and each == each]
    kind, zoned = _kind_of(name, there)
    kinds = {type(each) for each in there}
    if len(kinds) == 1 and kind not in (OTHER,):
        type_name = "datetime, UTC" if zoned else next(iter(kinds)).__name__
    else:
        type_name = "object"
    missing = "nan" if any(isinstance(each, float) and each != each for each in values) else ""
    nullable = len(there) < len(values)
    numbers = [each for each in there if kind in (NUMBER, INTEGER) and abs(each) != float("inf")]
    bounds: dict[str, Any] = {"low": min(numbers), "high": max(numbers)} if numbers else {}
    of = "datetime, UTC" if zoned and type_name == "object" else ""
    return Column(name, type_name, kind, nullable, missing=missing, of=of, **bounds)


def _kind_of(name: str, values: Sequence[Any]) -> tuple[str, bool]:
    """Tell what objects are, and whether they are times with an offset."""
    kinds = {type(each) for each in values}
    if any(issubclass(each, bytes | bytearray | memoryview) for each in kinds):
        raise _refuse(name, "bytes", "give text or numbers")
    found = {next((kind for known, kind in _PYTHON if each is known or _is_time(each, known)), OTHER) for each in kinds}
    if found == {NUMBER, INTEGER}:
        return NUMBER, False
    if len(found) != 1:
        return (OTHER if found else TEXT), False
    kind = found.pop()
    zoned = kind == TIME and any(each.tzinfo is not None for each in values)
    if zoned and not all(each.tzinfo is not None for each in values):
        raise _refuse(name, "times with and without an offset")
    return kind, zoned


def _is_time(kind: type, known: type) -> bool:
    """Whether a class is one of times: pandas' are subclasses of Python's."""
    return known in (datetime, date, timedelta) and issubclass(kind, known)


def _is_missing(value: Any) -> bool:
    return value is None or _marker(value) != ""


def _marker(value: Any) -> str:
    name = type(value).__name__
    if name in ("NAType", "NaTType"):
        return "NA" if name == "NAType" else "NaT"
    return "nan" if isinstance(value, float) and value != value else ""
