"""Schemas of pandera as checks: what they find is told as by the other checks, and they change nothing."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import polars as pl
import pytest

from solvent.checks import passes
from solvent.plan.checks import check_parts
from solvent.profiles.checks import evaluate

pytestmark = pytest.mark.slow
"""Importing pandera takes a second."""

FRAME = pd.DataFrame({"age": [3, -1, -2], "name": ["x", "x", "long"]})


def schema(library: str, least: int = 0) -> Any:
    if library == "pandas":
        import pandera.pandas as pandera
    else:
        import pandera.polars as pandera
    return pandera.DataFrameSchema(
        {"age": pandera.Column(int, pandera.Check.gt(least)), "name": pandera.Column(str, unique=True)}, name="people"
    )


def test_a_schema_tells_the_column_the_expectation_and_the_first_cases() -> None:
    found = evaluate(passes(schema("pandas")), FRAME).result
    assert (found.name, found.status) == ("people", "failed")
    assert found.message == (
        "age: greater_than(0): 2 cases (row 1: -1, row 2: -2); name: field_uniqueness: 2 cases (row 0: x, row 1: x)"
    )
    assert json.loads(found.detail)["problems"][0] == {
        "column": "age",
        "message": "greater_than(0)",
        "bad": 2,
        "first": [[1, "-1"], [2, "-2"]],
    }
    assert evaluate(passes(schema("pandas")), FRAME.iloc[:1]).result.status == "passed"
    assert evaluate(passes(schema("pandas"), warn=True), FRAME).result.status == "warned"


def test_schemas_of_polars_and_models_are_checks_too() -> None:
    import pandera.pandas as pandera

    found = evaluate(passes(schema("polars")), pl.from_pandas(FRAME).drop("name")).result
    assert found.status == "failed"
    assert "greater_than(0): 2 cases (row 1: -1, row 2: -2)" in found.message
    assert "column_in_dataframe: 1 case (name)" in found.message

    class People(pandera.DataFrameModel):
        age: int = pandera.Field(gt=0)

    found = evaluate(passes(People), FRAME).result
    assert found.name == "People"
    assert found.message == "age: greater_than(0): 2 cases (row 1: -1, row 2: -2)"


def test_values_of_sensitive_columns_are_not_told() -> None:
    message = evaluate(passes(schema("pandas")), FRAME, sensitive=["na*"]).result.message
    assert "name: field_uniqueness: 2 cases (row 0: ***, row 1: ***)" in message
    assert "row 1: -1" in message


def test_a_schema_that_coerces_changes_nothing() -> None:
    import pandera.pandas as pandera

    frame = pd.DataFrame({"age": ["3"]})
    assert (
        evaluate(passes(pandera.DataFrameSchema({"age": pandera.Column(int, coerce=True)})), frame).result.status
        == "passed"
    )
    assert frame["age"].tolist() == ["3"]


def test_a_schema_for_another_library_is_broken() -> None:
    found = evaluate(passes(schema("pandas")), pl.from_pandas(FRAME))
    assert found.result.status == "broken"
    assert found.error is not None


def test_a_schema_counts_in_the_key_by_what_it_says_also_after_it_was_used() -> None:
    def part(of: Any) -> str:
        return check_parts([passes(of)]).parts["people"][0]

    used = schema("pandas")
    before = part(used)
    evaluate(passes(used), FRAME)
    assert part(used) == before == part(schema("pandas"))
    assert part(schema("pandas", least=1)) != before
    assert "pandera" in check_parts([passes(used)]).packages
