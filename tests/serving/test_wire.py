import json
from typing import Any

import pytest

from solvent.deploy.schemas import schema_of
from solvent.serving.schema import Column, Schema
from solvent.serving.wire import BadAnswer, BadRequest, Codec, check_json

COLUMNS = (
    Column("age", "float", "number"),
    Column("rooms", "int8", "integer"),
    Column("small", "float32", "number", nullable=True),
    Column("new", "bool", "boolean"),
    Column("city", "str", "text"),
    Column("kind", "category", "text", categories=("flat", "house"), of="str"),
    Column("sold", "datetime64[ms]", "time", nullable=True),
)
GOOD = {"age": 1, "rooms": 3, "small": None, "new": True, "city": "a: b", "kind": "flat", "sold": "2026-01-31T12:00:00"}
ANSWER = Schema("builtins:list", (Column("value", "float", "number"),))
CODEC = Codec(Schema("builtins:list", COLUMNS, item="builtins:dict"), ANSWER, row_limit=50)


def refused(body: Any, codec: Codec = CODEC) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        codec.decode(body if isinstance(body, bytes) else json.dumps(body).encode())
    return caught.value


def problems(body: Any, codec: Codec = CODEC) -> list[tuple[Any, Any, str]]:
    return [(each["row"], each["column"], each["problem"]) for each in refused(body, codec).problems]


def test_all_forms_of_a_body_give_the_same_request() -> None:
    columns = {name: [value, value] for name, value in GOOD.items()}
    forms = [{"records": [GOOD, GOOD]}, {"columns": columns}, [GOOD, GOOD], GOOD]
    found = [CODEC.decode(json.dumps(each).encode()) for each in forms]
    assert [each.rows for each in found] == [2, 2, 2, 1]
    assert found[0].value == found[1].value == found[2].value == found[3].value * 2
    assert found[0].value[0]["sold"] == 1769860800000
    assert found[3].value[0]["rooms"] == 3


WRONG = [
    ("age", "12", 'expected a number, found "12"'),
    ("age", True, "expected a number, found true"),
    ("age", None, "null, and no value was missing in training; expected a number"),
    ("age", [1], "expected a number, found a list"),
    ("age", float("nan"), "expected a number, found nan, which JSON has not"),
    ("age", float("-inf"), "expected a number, found -inf, which JSON has not"),
    ("age", 10**400, "expected a number, found a number of more than 60 digits"),
    ("rooms", 1.5, "expected an integer from -128 to 127, found 1.5"),
    ("rooms", 128, "expected an integer from -128 to 127, found 128"),
    ("rooms", "3", 'expected an integer from -128 to 127, found "3"'),
    ("small", 1e39, "expected a number that fits float32, found 1e+39"),
    ("new", 1, "expected true or false, found 1"),
    ("city", 5, "expected a text, found 5"),
    ("kind", "huose", '"huose" is no category of training; expected one of "flat", "house"; did you mean \'house\'?'),
    ("sold", "2026-02-30", 'expected a time like 2026-01-31T12:00:00, without offset, found "2026-02-30"'),
    ("sold", "2026-01-31T12:00:00Z", "without offset"),
    ("sold", "2026-01-31T12:00:00.0001", "without offset"),
    ("sold", 1769860800, "without offset"),
]


@pytest.mark.parametrize(("column", "value", "problem"), WRONG, ids=range(len(WRONG)))
def test_a_wrong_value_is_named_by_row_and_column_with_what_was_expected(column: str, value: Any, problem: str) -> None:
    rows = [GOOD, {**GOOD, column: value}]
    for body in (rows, {"columns": {name: [row[name] for row in rows] for name in GOOD}}):
        ((row, where, told),) = problems(body)
        assert (row, where) == (1, column)
        assert problem in told


def test_all_problems_are_told_by_row_and_no_more_than_twenty() -> None:
    found = problems([GOOD, {**GOOD, "age": "x", "new": 0}, {**GOOD, "rooms": 1.5}])
    assert [(row, column) for row, column, _ in found] == [(1, "age"), (1, "new"), (2, "rooms")]
    assert len(problems([{**GOOD, "age": "x"}] * 40)) == 20


def test_unknown_and_missing_columns_are_told_together() -> None:
    row = {**GOOD, "ago": 1}
    del row["age"]
    assert problems([GOOD, row]) == [
        (1, "ago", "unknown column; did you mean 'age'?"),
        (1, "age", "missing column"),
    ]
    assert problems({"columns": {"age": [1]}})[0] == (None, "rooms", "missing column")


def test_columns_of_different_lengths_are_named() -> None:
    columns: dict[str, Any] = {name: [value, value] for name, value in GOOD.items()}
    columns["rooms"] = [1]
    assert problems({"columns": columns}) == [(None, "rooms", "1 values, and the other columns have 2")]
    columns["rooms"] = 1
    assert problems({"columns": columns}) == [(None, "rooms", "expected a list with a value for each row, found 1")]


def test_a_name_that_stands_twice_is_found_though_the_values_are_all_right() -> None:
    body = json.dumps({"records": [GOOD, GOOD]})[:-3] + ', "rooms": 4}]}'
    assert problems(body.encode()) == [(1, "rooms", "the name stands twice")]
    twice = b'{"records": [], "records": ' + json.dumps([GOOD]).encode() + b"}"
    assert "twice" in refused(twice).problem
    hidden = json.dumps(GOOD).replace("a: b", "a\\u003a b")[:-1] + ', "rooms": 4}'
    assert problems(hidden.encode()) == [(0, "rooms", "the name stands twice")]


BODIES = [
    (b"", 400, "the body is empty"),
    (b"{", 400, "no JSON"),
    (b"\xff\xfe", 400, "no JSON"),
    (b'[{"age": "\xff"}]', 400, "no UTF-8: byte 0 of a text is 0xff"),
    (b"[" * 100_000, 400, "nested too deep"),
    (b"[] x", 400, "trailing characters"),
    (b"12", 422, "expected an object or a list of objects, found 12"),
    (b"[]", 422, "the request has no rows"),
    (b"[1]", 422, "row 0: expected an object, found 1"),
    (b'{"records": []}', 422, "the request has no rows"),
    (b'{"records": 1}', 422, 'expected "records" to be a list of objects, found 1'),
    (b'{"columns": []}', 422, 'expected "columns" to be an object of lists, found a list'),
    (b'{"records": [], "params": 1}', 422, 'unknown key "params" beside "records"'),
]


@pytest.mark.parametrize(("body", "status", "problem"), BODIES, ids=range(len(BODIES)))
def test_a_body_that_is_no_request_says_why(body: bytes, status: int, problem: str) -> None:
    found = refused(body)
    assert found.status == status
    assert problem in str(found)


def test_more_rows_than_the_limit_are_413() -> None:
    assert refused([GOOD] * 51).status == 413
    assert CODEC.decode(json.dumps([GOOD] * 50).encode()).rows == 50


def test_far_too_many_rows_of_numbers_are_refused_before_they_are_read() -> None:
    plain = Codec(Schema("numpy:ndarray", (Column("x", "float64", "number"),), (1,)), ANSWER, row_limit=1000)
    assert refused(b"[" + b'{"x":1},' * 20_000 + b'{"x":1}]', plain).status == 413


def test_a_column_may_be_called_records() -> None:
    codec = Codec(schema_of([{"records": 1, "columns": 2}]), ANSWER)
    assert codec.decode(b'{"records": 5, "columns": 6}').value == [{"records": 5, "columns": 6}]
    assert codec.decode(b'{"records": [{"records": 5, "columns": 6}]}').value == [{"records": 5, "columns": 6}]


def test_values_of_sensitive_columns_are_not_told() -> None:
    column = Column("ssn", "int64", "integer", sensitive=True)
    codec = Codec(Schema("builtins:list", (column,), item="builtins:dict"), ANSWER)
    (told,) = problems([{"ssn": "123-45"}], codec)
    assert "123" not in told[2]


def test_only_json_in_utf_8_is_read() -> None:
    for kind in ("", "application/json; charset=UTF-8", "application/vnd.x+json"):
        check_json(kind)
    for kind in ("text/plain", "application/json; charset=latin-1"):
        with pytest.raises(BadRequest) as caught:
            check_json(kind)
        assert caught.value.status == 415


def test_an_answer_that_is_not_as_the_recorded_one_is_no_answer() -> None:
    import numpy as np

    table = Codec(schema_of([{"a": 1}]), schema_of(np.zeros((3, 2))))
    assert table.encode(np.ones((1, 2)), b'"model":"m"', 1) == b'{"predictions":[{"x0":1.0,"x1":1.0}],"model":"m"}'
    for answer, problem in (
        ([1.0], "the answer is a list; the recorded one is a numpy ndarray"),
        (np.ones((1, 3)), r"a row of the answer has the shape \(3,\)"),
        (np.ones((2, 2)), "the answer has 2 rows, and the request had 1"),
        (np.ones((1, 2), bool), "an array of bool; the recorded one is of float64"),
    ):
        with pytest.raises(BadAnswer, match=problem):
            table.encode(answer, b"", 1)
    with pytest.raises(BadAnswer, match="row 0 of column 'value' is a str"):
        CODEC.encode(["x"])


def test_numbers_that_are_none_are_null_in_an_answer() -> None:
    assert CODEC.encode([float("nan"), float("inf"), 0.1]) == b'{"predictions":[null,null,0.1]}'
