from collections import OrderedDict
from typing import Any

import pytest

from solvent.deploy.schemas import check_comes_back, example_rows, schema_of, with_training
from solvent.errors import BundleError
from solvent.serving.schema import Column, Schema
from solvent.serving.statistics import ColumnStatistics
from tests.serving.kinds import pandas_frame

ROWS = [{"age": 1.5, "city": "a"}, {"age": None, "city": "b"}, {"age": float("inf"), "city": "c"}]


def test_a_schema_names_columns_types_missing_values_and_ranges() -> None:
    assert schema_of(ROWS) == Schema(
        "builtins:list",
        (Column("age", "float", "number", nullable=True, low=1.5, high=1.5), Column("city", "str", "text")),
        item="builtins:dict",
    )


def test_columns_of_an_array_have_the_declared_names_or_numbers() -> None:
    import numpy as np

    rows = np.array([[1, 2], [3, 4]], "int8")
    assert schema_of(rows).names == ["x0", "x1"]
    assert schema_of(rows, ["a", "b"]).columns[0] == Column("a", "int8", "integer", low=1, high=3)
    assert schema_of(np.zeros((2, 8, 8))).names == ["value"]
    with pytest.raises(BundleError, match="names 3 columns, and a row of the request has 2"):
        schema_of(rows, ["a", "b", "c"])


def test_what_training_saw_is_added_to_what_the_request_has() -> None:
    import numpy as np

    schema = schema_of(np.array([[1.0, 2.0], [3.0, 4.0]]), ["a", "b"])
    found = with_training(schema, [ColumnStatistics("a", missing=0.25, low=-5.0, high=2.0)])
    assert found.columns[0] == Column("a", "float64", "number", nullable=True, low=-5.0, high=3.0)
    assert found.columns[1] == schema.columns[1]
    integers = schema_of(np.array([1, 2]))
    assert not with_training(integers, [ColumnStatistics("value", missing=0.5)]).columns[0].nullable


def test_examples_are_the_first_rows_that_json_can_hold() -> None:
    asked, answered = schema_of(ROWS), schema_of([1.0, 2.0, 3.0])
    assert example_rows(ROWS, [1.0, 2.0, 3.0], 2, asked, answered) == {
        "request": {"age": [1.5, None], "city": ["a", "b"]},
        "response": {"value": [1.0, 2.0]},
    }


def test_sensitive_columns_tell_no_values() -> None:
    rows = [{"ssn": 123, "age": 4}, {"ssn": 456, "age": 5}]
    asked, answered = schema_of(rows, (), ["ss*"]), schema_of([1.0, 2.0])
    assert asked.columns[0] == Column("ssn", "int", "integer", sensitive=True)
    found = example_rows(rows, [1.0, 2.0], 2, asked, answered)
    assert found == {"request": {"ssn": [0, 0], "age": [4, 5]}, "response": {}}
    check_comes_back(asked, found["request"])


def refused(value: Any, *columns: str) -> str:
    with pytest.raises(BundleError) as caught:
        schema_of(value, columns)
    return caught.value.problem


def test_what_json_can_not_hold_is_refused_when_the_bundle_is_made() -> None:
    import numpy as np

    assert "bytes" in refused([{"a": b"x"}])
    assert "complex128" in refused(np.zeros(2, complex))
    assert "no rows" in refused(5)
    assert "no rows" in refused(OrderedDict(a=[1]))
    assert "an empty list" in refused([])
    assert "there are no columns" in refused([{}])
    assert "None in some rows and left out in others" in refused([{"a": None, "b": 1}, {"b": 1}])
    assert "columns of one kind" in refused({"a": [1], "b": np.zeros(1)})


@pytest.mark.slow
def test_tables_of_pandas_with_names_or_types_that_json_has_not_are_refused() -> None:
    import pandas as pd

    frame = pandas_frame()
    assert "named by tuple" in refused(frame.rename(columns={"float": ("a", "b")}))
    assert "two columns are named 'bool'" in refused(frame.rename(columns={"float": "bool"}))
    assert "period[D]" in refused(pd.DataFrame({"a": pd.period_range("2026", periods=2, freq="D")}))
    assert "category of Interval" in refused(pd.DataFrame({"a": pd.cut([1, 2], [0, 1, 2])}))
    assert "10,001 categories" in refused(pd.DataFrame({"a": pd.Categorical(map(str, range(10_001)))}))


@pytest.mark.slow
def test_a_table_with_sensitive_columns_of_every_type_has_examples_that_can_be_asked() -> None:
    frame = pandas_frame()
    asked = schema_of(frame, (), ["*"])
    answered = schema_of([1.0, 2.0])
    examples = example_rows(frame, [1.0, 2.0], 2, asked, answered)
    check_comes_back(asked, examples["request"])
    assert examples["request"]["nanoseconds"] == [None, None]
    assert examples["request"]["seconds"] == ["2000-01-01T00:00:00"] * 2
