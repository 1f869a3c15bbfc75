"""One column, series, array or list as a NumPy vector, and which of its values are missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from solvent.errors import DataError, nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Vector:
    """Values as numbers, booleans, times or, in an array of objects, texts; `missing` marks null, None and NaN.

    What stands in `values` where one is missing is of no meaning.
    """

    values: NDArray[Any]
    missing: NDArray[Any]

    @property
    def kind(self) -> str:
        """number, boolean, time or text."""
        return {"b": "boolean", "O": "text", "M": "time", "m": "time"}.get(self.values.dtype.kind, "number")

    def __len__(self) -> int:
        return len(self.values)


def is_table(value: Any) -> bool:
    """Whether a value has named columns: a table of pandas, polars or Arrow. DataError for one that is not read yet."""
    if hasattr(value, "collect_schema") and hasattr(value, "collect"):
        raise DataError("the table is lazy: its rows are not there yet", hint="give table.collect()")
    return hasattr(value, "columns") or hasattr(value, "column_names")


def names_of(table: Any) -> list[Any]:
    """Give the names of the columns of a table."""
    return list(table.column_names if hasattr(table, "column_names") else table.columns)


def column_of(table: Any, name: Any, what: str = "the table") -> Any:
    """Give one column as the library of the table has it; DataError with the nearest name if there is none."""
    names = names_of(table)
    if name not in names:
        raise DataError(
            f"{what} has no column {name!r}{nearest(str(name), names)}",
            hint=f"its columns: {', '.join(map(str, names[:20]))}{', ...' if len(names) > 20 else ''}",
        )
    if names.count(name) > 1:
        raise DataError(f"{what} has {names.count(name)} columns called {name!r}", hint="give each a name of its own")
    return table.column(name) if hasattr(table, "column_names") else table[name]


def rows_of(table: Any) -> int:
    return int(table.num_rows if hasattr(table, "num_rows") else len(table))


def vector(value: Any, what: str = "the values") -> Vector:
    """Read a series, an array or a list of one dimension."""
    import numpy as np

    if isinstance(value, np.ma.MaskedArray):
        value = _objects(value.tolist())  # None where masked
    found = np.asarray(_plain(value))
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim != 1:
        raise DataError(f"{what} should be one column, found an array of shape {found.shape}")
    if found.dtype.kind in "US":
        # What NumPy made texts of need not have been any.
        found = _objects(list(value)) if isinstance(value, list | tuple) else found.astype(object)
    if found.dtype.kind == "O":
        return _of_objects(found, what)
    if found.dtype.kind in "Mm":
        return Vector(found, np.isnat(found))
    if found.dtype.kind not in "biuf":
        raise DataError(f"{what} should hold numbers, texts, booleans or times, found {found.dtype}")
    missing = np.isnan(found) if found.dtype.kind == "f" else np.zeros(len(found), bool)
    return Vector(found, missing)


def _plain(value: Any) -> Any:
    """Give what NumPy reads without loss: nulls as None, categories as what they stand for."""
    package = type(value).__module__.partition(".")[0]
    if package == "pandas":
        plain = (
            value.dtype.kind in "biufMm" and hasattr(value.dtype, "itemsize") and not hasattr(value.dtype, "na_value")
        )
        return value.to_numpy() if plain else _filled(value)
    if package == "polars":
        return value.to_numpy() if value.dtype.is_numeric() and not value.null_count() else _objects(value.to_list())
    if package == "pyarrow":
        return _of_arrow(value)
    return value


def _filled(value: Any) -> Any:
    """Give the values of a pandas series of an extension type, None where they are missing."""
    import numpy as np

    missing = np.asarray(value.isna())
    if getattr(value.dtype, "tz", None) is not None:
        return value.dt.tz_convert(None).to_numpy()
    if not missing.any() and value.dtype.kind in "biufMm":
        return value.to_numpy(dtype=getattr(value.dtype, "numpy_dtype", None))
    found = value.to_numpy(dtype=object).copy()
    found[missing] = None
    return found


def _of_arrow(value: Any) -> Any:
    import pyarrow as pa

    kind = value.type
    if not value.null_count and (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        return value.to_numpy()
    return _objects(value.to_pylist())


def _objects(values: list[Any]) -> Any:
    import numpy as np

    found = np.empty(len(values), object)
    found[:] = values
    return found


def _of_objects(found: Any, what: str) -> Vector:
    """Give objects the type that they all have; NumPy would keep them apart, or turn numbers into texts."""
    import numpy as np

    listed = found.tolist()
    missing = np.fromiter((_is_missing(each) for each in listed), bool, len(listed))
    kinds = {_kind(each) for each, gone in zip(listed, missing, strict=True) if not gone}
    if kinds == {"numbers", "whole numbers"}:
        kinds = {"numbers"}
    if len(kinds) > 1:
        raise DataError(f"{what} mixes {' and '.join(sorted(kinds))}", hint="give one type of value")
    kind = next(iter(kinds), "texts")
    if kind == "texts":
        return Vector(found, missing)
    if kind not in _TYPES:
        raise DataError(f"{what} should hold numbers, texts, booleans or times, found {kind}")
    dtype, filler = _TYPES[kind]
    filled = [filler if gone else each for each, gone in zip(listed, missing, strict=True)]
    try:
        return Vector(np.asarray(filled, dtype), missing)
    except OverflowError:
        return Vector(np.asarray(filled, float), missing)


_TYPES: dict[str, tuple[Any, Any]] = {
    "booleans": (bool, False),
    "whole numbers": ("int64", 0),
    "numbers": (float, 0.0),
    "times": ("datetime64[us]", "1970-01-01"),
    "durations": ("timedelta64[us]", 0),
}


def _kind(value: Any) -> str:
    from datetime import date, timedelta
    from decimal import Decimal
    from numbers import Integral, Real

    if isinstance(value, str):
        return "texts"
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        return "booleans"
    if isinstance(value, Integral):
        return "whole numbers"
    if isinstance(value, Real | Decimal):
        return "numbers"
    if isinstance(value, date):
        return "times"
    return "durations" if isinstance(value, timedelta) else f"{type(value).__module__}.{type(value).__qualname__}"


def _is_missing(value: Any) -> bool:
    return value is None or type(value).__name__ in ("NAType", "NaTType") or (value != value) is True
