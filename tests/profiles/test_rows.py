"""Values of every library as Arrow tables: the names that profiles have, the rows in order, and what can't be a cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from solvent.errors import FormatError
from solvent.profiles.make import make_profile
from solvent.profiles.rows import as_arrow

NAN = float("nan")
TABLES: dict[str, tuple[Any, dict[str, list[Any]]]] = {
    "pandas": (pd.DataFrame({"x": [1.5, NAN], "s": ["a", None]}), {"x": [1.5, None], "s": ["a", None]}),
    "polars": (pl.DataFrame({"x": [1.5, None]}), {"x": [1.5, None]}),
    "arrow": (pa.table({"l": [[1], None]}), {"l": [[1], None]}),
    "batch": (pa.RecordBatch.from_pydict({"x": [1]}), {"x": [1]}),
    "vector": (np.array([1, 2]), {"value": [1, 2]}),
    "matrix": (np.array([[1, 2], [3, 4]]), {"0": [1, 3], "1": [2, 4]}),
    "series": (pd.Series([1, 2], name="s"), {"s": [1, 2]}),
    "no name": (pd.Series([1, 2]), {"value": [1, 2]}),
    "polars series": (pl.Series("p", [1]), {"p": [1]}),
    "twice": (pd.DataFrame([[1, 2]], columns=["a", "a"]), {"a": [1], "a #2": [2]}),
    "labels": (pd.DataFrame([[1, 2]], columns=[("a", 1), 7]), {"('a', 1)": [1], "7": [2]}),
    "index": (pd.DataFrame({"x": [1, 2]}, index=pd.Index(["r", "s"], name="row")), {"x": [1, 2], "row": ["r", "s"]}),
    "no index name": (pd.DataFrame({"x": [1, 2]}, index=[5, 3]), {"x": [1, 2], "__index_level_0__": [5, 3]}),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_keeps_its_rows_under_the_names_of_its_profile(name: str) -> None:
    value, expected = TABLES[name]
    found = as_arrow(value)
    assert found is not None
    assert dict(zip(found.column_names, (column.to_pylist() for column in found.columns), strict=True)) == expected
    names = [column.name for column in make_profile(value).columns]
    assert [each for each in found.column_names if each != "__index_level_0__"] == names


def test_nan_of_pandas_is_kept_where_it_is_asked_for() -> None:
    found = as_arrow(pd.DataFrame({"x": [1.5, NAN]}), nan_is_null=False)
    assert found is not None
    assert found.column("x").null_count == 0
    polars = as_arrow(pl.DataFrame({"x": [1.5, NAN]}))
    assert polars is not None
    assert polars.column("x").null_count == 0


def test_cells_of_several_types_are_named_or_come_as_text() -> None:
    mixed = pd.DataFrame({"x": [1, 2, 3], "m": [1, "1", None]})
    with pytest.raises(
        FormatError, match="column 'm' has cells that no file can hold: values of several types: int, str"
    ):
        as_arrow(mixed)
    found = as_arrow(mixed, loose=True)
    assert found is not None
    assert found.column("m").to_pylist() == ["1", "'1'", None]
    indexed = as_arrow(pd.DataFrame({"x": [1, 2]}, index=pd.Index([1, "a"], name="i")), loose=True)
    assert indexed is not None
    assert indexed.column("i").to_pylist() == ["1", "'a'"]
    objects = as_arrow(pl.DataFrame({"o": pl.Series([{1}, None], dtype=pl.Object)}), loose=True)
    assert objects is not None
    assert objects.column("o").to_pylist() == ["{1}", None]


@pytest.mark.parametrize("value", [None, [1], "text", np.zeros((2, 2, 2)), np.array(3), np.array([1j]), {"a": 1}])
def test_what_is_no_table_has_no_rows(value: object) -> None:
    assert as_arrow(value) is None
