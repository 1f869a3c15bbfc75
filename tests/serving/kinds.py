"""Tables and arrays of every supported type, for the tests of what goes over the wire; imports wait until asked."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple


@dataclass
class House:
    rooms: int
    area: float


class Flat(NamedTuple):
    rooms: int
    street: str


def pandas_frame() -> Any:
    import pandas as pd

    days = pd.to_datetime(["2026-01-01T00:00:00.123456789", None])
    return pd.DataFrame(
        {
            "float": [0.1, None],
            "float32": pd.array([0.1, 3.5], "float32"),
            "int8": pd.array([-128, 127], "int8"),
            "uint64": pd.array([2**64 - 1, 0], "uint64"),
            "bool": [True, False],
            "str": ["a: b", None],
            "string": pd.array(["x", None], "string"),
            "python": pd.array(["x", None], pd.StringDtype("python")),
            "object": pd.array(["x", None], object),
            "objectnan": pd.array(["x", float("nan")], object),
            "mixed": pd.array([1, 2.5], object),
            "Int64": pd.array([2**53 + 1, None], "Int64"),
            "boolean": pd.array([True, None], "boolean"),
            "Float32": pd.array([1.5, None], "Float32"),
            "category": pd.Categorical(["b", None], ["c", "b", "a"], ordered=True),
            "codes": pd.Categorical([3, 1], [1, 2, 3]),
            "nanoseconds": pd.array(days, "datetime64[ns]"),
            "seconds": pd.array(pd.to_datetime(["1899-12-31", "2300-01-01"]), "datetime64[s]"),
            "zoned": pd.DatetimeIndex(["2026-07-01", None]).as_unit("us").tz_localize("Europe/Berlin"),
            "spans": pd.array(pd.to_timedelta(["-1 days 00:00:00.5", None]), "timedelta64[us]"),
            "arrow": pd.array([1, None], "int64[pyarrow]"),
            "arrowtime": pd.array([datetime(2026, 1, 1, tzinfo=UTC), None], "timestamp[us, tz=UTC][pyarrow]"),
            "dates": pd.array([date(2026, 1, 1), None], object),
            "decimals": pd.array([Decimal("1.10"), Decimal("-2")], object),
        }
    )


def pandas_series() -> Any:
    import pandas as pd

    return pd.Series(["good", "bad"], name="text")


def nameless_series() -> Any:
    import pandas as pd

    return pd.Series([1.5, 2.5])


def polars_frame() -> Any:
    import polars as pl

    return pl.DataFrame(
        {
            "float": pl.Series([0.1, None]),
            "float32": pl.Series([0.1, 2.0], dtype=pl.Float32),
            "int": pl.Series([1, None], dtype=pl.Int16),
            "uint": pl.Series([2**64 - 1, 1], dtype=pl.UInt64),
            "bool": [True, None],
            "text": ["ä", None],
            "category": pl.Series(["a", "b"], dtype=pl.Categorical),
            "enum": pl.Series(["b", None], dtype=pl.Enum(["a", "b"])),
            "day": [date(2026, 1, 31), None],
            "clock": [time(12, 30, 0, 5), None],
            "moment": pl.Series([datetime(2026, 1, 31, 1), None], dtype=pl.Datetime("ms")),
            "zoned": pl.Series([datetime(2026, 1, 31, 1), None], dtype=pl.Datetime("us")).dt.replace_time_zone(
                "Asia/Tokyo"
            ),
            "span": pl.Series([timedelta(days=-1, seconds=2), None], dtype=pl.Duration("ns")),
            "decimal": pl.Series([Decimal("1.10"), None], dtype=pl.Decimal(10, 2)),
            "list": pl.Series([[1.0, 2.0], None], dtype=pl.List(pl.Float64)),
            "array": pl.Series([[1, 2], [3, 4]], dtype=pl.Array(pl.Int8, 2)),
        }
    )


def polars_series() -> Any:
    import polars as pl

    return pl.Series("a", [1, 2], dtype=pl.Int32)


def arrow_table() -> Any:
    import pyarrow as pa

    return pa.table(
        {
            "float": pa.array([0.1, None]),
            "half": pa.array([1.5, 2.5], pa.float32()),
            "int": pa.array([1, None], pa.uint8()),
            "text": pa.array(["a", None]),
            "large": pa.array(["a", "b"], pa.large_string()),
            "words": pa.array(["a", None]).dictionary_encode(),
            "moment": pa.array([1, None], pa.timestamp("ns")),
            "zoned": pa.array([1, None], pa.timestamp("us", "UTC")),
            "day": pa.array([1, None], pa.date32()),
            "clock": pa.array([1, None], pa.time64("ns")),
            "second": pa.array([1, 2], pa.time32("s")),
            "span": pa.array([-1, None], pa.duration("ms")),
            "decimal": pa.array([Decimal("1.10"), None], pa.decimal128(10, 2)),
            "list": pa.array([[1.0], []], pa.list_(pa.float64())),
        }
    )


def matrix() -> Any:
    import numpy as np

    return np.array([[0.1, 2.0], [np.nan, 1e-300]])


def images() -> Any:
    import numpy as np

    return np.arange(128, dtype="float64").reshape(2, 8, 8)


def integers() -> Any:
    import numpy as np

    return np.array([[1, 2, 3], [4, 5, 6]], "int32")


def texts() -> Any:
    import numpy as np

    return np.array(["a", "longer"])


def moments() -> Any:
    import numpy as np

    return np.array(["2026-01-01T00:00:01", "NaT"], "datetime64[s]")


KINDS: dict[str, Callable[[], Any]] = {
    "pandas frame": pandas_frame,
    "pandas series": pandas_series,
    "nameless series": nameless_series,
    "polars frame": polars_frame,
    "polars series": polars_series,
    "arrow table": arrow_table,
    "matrix": matrix,
    "images": images,
    "integers": integers,
    "texts": texts,
    "moments": moments,
    "list of texts": lambda: ["a", "b"],
    "list of numbers": lambda: [1.5, 2.0],
    "list of dicts": lambda: [{"a": 1, "b": "x"}, {"a": 2}],
    "list of dataclasses": lambda: [House(3, 70.5), House(2, 40.0)],
    "list of named tuples": lambda: [Flat(3, "x"), Flat(2, "y")],
    "times of Python": lambda: [datetime(2026, 1, 1), datetime(2026, 1, 2, 3, 4, 5, 6)],
    "dict of lists": lambda: {"a": [1, 2], "b": ["x", "y"]},
    "dict of arrays": lambda: {"a": matrix()[:, 0], "b": matrix()[:, 1]},
}


def same(one: Any, other: Any) -> bool:
    """Whether two values are of one type and equal, dtypes and missing values with them."""
    package = type(one).__module__.partition(".")[0]
    if type(one) is not type(other):
        return False
    if package == "pandas":
        import pandas as pd

        check: Any = pd.testing.assert_frame_equal if one.ndim == 2 else pd.testing.assert_series_equal
        check(one, other, check_exact=True)
        return True
    if package == "polars":
        import polars.testing as pt

        (pt.assert_frame_equal if hasattr(one, "columns") else pt.assert_series_equal)(one, other, check_exact=True)
        return True
    if package == "numpy":
        import numpy as np

        return (
            one.dtype == other.dtype
            and one.shape == other.shape
            and bool(np.array_equal(one, other, equal_nan=one.dtype.kind in "fMm"))
        )
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[name], other[name]) for name in one)
    return bool(one == other) if package != "pyarrow" else bool(one.equals(other)) and one.schema == other.schema
