"""What is expected of a table is what a profile of it says, and survives being written and read."""

from typing import Any

import pyarrow as pa

from solvent.profiles.make import make_profile
from solvent.profiles.schema import Expected, infer, schema_from_json, schema_to_json

CARRIERS = ["AA", "UA", "WN", "AA"]


def expected(values: Any, **more: Any) -> Expected:
    return infer(make_profile(pa.table({"x": pa.array(values, **more)}))).columns[0]


def test_repeated_texts_are_a_domain() -> None:
    assert expected(CARRIERS * 5).domain == ("AA", "UA", "WN")


def test_texts_that_hardly_repeat_are_none() -> None:
    assert expected(["Ada", "Bob", "Cleo", "Dan"]).domain is None


def test_more_than_fifty_texts_are_no_domain() -> None:
    assert expected([f"city {n}" for n in range(51)] * 10).domain is None
    assert len(expected([f"city {n}" for n in range(50)] * 10).domain or ()) == 50


def test_numbers_have_a_range_and_no_domain() -> None:
    found = expected([3, 1, 2, 2, 1, 3] * 4)
    assert (found.least, found.most, found.domain) == (1, 3, None)


def test_times_have_a_beginning_and_no_end() -> None:
    found = expected([86_400, 172_800] * 5, type=pa.timestamp("s"))
    assert found.kind == "time"
    assert found.least is not None
    assert found.most is None


def test_what_looks_like_an_id_is_unique_and_has_no_range() -> None:
    found = expected(list(range(1000, 2000)))
    assert found.unique
    assert (found.least, found.most) == (None, None)


def test_missing_values_may_be_missing() -> None:
    assert not expected([1, 2, 1]).nullable
    found = expected([1, None, 2, 1])
    assert found.nullable
    assert found.null_share == 0.25


def test_a_masked_column_tells_no_value() -> None:
    table = pa.table({"ssn": CARRIERS * 5, "pay": [1, 2, 3, 4] * 5})
    columns = infer(make_profile(table, sensitive=["ssn", "pay"])).columns
    assert [(each.domain, each.least, each.most) for each in columns] == [(None, None, None)] * 2


def test_the_label_is_absent_when_serving() -> None:
    profile = make_profile(pa.table({"x": [1, 2], "late": [True, False]}))
    assert [each.absent for each in infer(profile, label="late").columns] == [(), ("serving",)]


def test_a_table_without_rows_has_a_schema() -> None:
    found = infer(make_profile(pa.table({"x": pa.array([], pa.int64()), "y": pa.array([], pa.string())})))
    assert [(each.type, each.nullable, each.domain) for each in found.columns] == [
        ("int64", False, None),
        ("string", False, None),
    ]


def test_a_schema_survives_json() -> None:
    table = pa.table({"c": CARRIERS * 5, "n": [1.5, None, 2.5, 1.5] * 5, "id": range(20), "ü\n": [10**18] * 20})
    schema = infer(make_profile(table), label="n")
    assert schema_from_json(schema_to_json(schema)) == schema


def test_words_of_a_newer_version_are_left_out() -> None:
    text = '{"rows": 3, "columns": [{"name": "x", "type": "int64", "kind": "number", "later": 1}], "more": 2}'
    assert schema_from_json(text).columns == (Expected("x", "int64", "number"),)
