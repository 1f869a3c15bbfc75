import json
from typing import Any

import pytest

from solvent.serving.invocations import Invocations
from solvent.serving.schema import Column, Schema
from solvent.serving.wire import BadRequest, Codec

COLUMNS = (
    Column("a", "float64", "number", nullable=True),
    Column("n", "Int64", "integer", nullable=True),
    Column("t", "str", "text"),
    Column("b", "bool", "boolean"),
)
ANSWER = Schema("builtins:list", (Column("value", "float", "number"),))
ROWS = [{"a": 1.5, "n": 2, "t": "x,y", "b": True}, {"a": None, "n": None, "t": "", "b": False}]
INVOCATIONS = Invocations(Codec(Schema("builtins:list", COLUMNS, item="builtins:dict"), ANSWER))
SPLIT = {"columns": ["n", "a", "t", "b"], "data": [[2, 1.5, "x,y", True], [None, None, "", False]]}
CSV = b'n,a,t,b\r\n2,1.5,"x,y",true\r\n,,"",False\r\n'


def refused(body: Any, kind: str = "application/json") -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        INVOCATIONS.decode(body if isinstance(body, bytes) else json.dumps(body).encode(), kind)
    return caught.value


def test_every_form_of_mlflow_gives_the_same_request() -> None:
    forms = [
        {"dataframe_split": SPLIT},
        {"dataframe_split": {**SPLIT, "index": [7, 9]}},
        {"dataframe_records": ROWS},
        {"instances": ROWS},
        {"inputs": {name: [row[name] for row in ROWS] for name in ROWS[0]}},
        {"inputs": ROWS, "params": {}},
    ]
    assert all(INVOCATIONS.decode(json.dumps(each).encode()).value == ROWS for each in forms)
    assert INVOCATIONS.decode(CSV, "text/csv; charset=utf-8").value == ROWS
    assert INVOCATIONS.encode([1.0, 2.0]) == b'{"predictions":[1.0,2.0]}'


def test_json_and_csv_refuse_a_value_in_the_same_words() -> None:
    told = refused({"dataframe_split": {**SPLIT, "data": [[2, "x", "", True]]}}).problems
    assert told == refused(b"n,a,t,b\n2,x,,true\n", "text/csv").problems
    assert told == [{"row": 0, "column": "a", "problem": 'expected a number, found "x"'}]
    assert refused(b"n,a,t,b\n2.5,1,,true\n", "text/csv").problems[0]["column"] == "n"
    assert refused(b"n,a,t,b\n2,nan,,true\n", "text/csv").problems[0]["column"] == "a"


def test_rows_without_names_are_refused_with_the_forms_that_have_them() -> None:
    for form in ("instances", "inputs"):
        told = str(refused({form: [[1.5, 2, "x", True]]}))
        assert "do not name their columns" in told
        assert "dataframe_records" in told
    assert "has to name its columns" in str(refused({"dataframe_split": {"data": [[1]]}}))


def test_rows_of_one_column_need_no_name() -> None:
    one = Invocations(Codec(Schema("builtins:list", (Column("text", "str", "text"),)), ANSWER))
    assert one.decode(b'{"instances": ["a", "b"]}').value == ["a", "b"]


WRONG: list[tuple[Any, str]] = [
    ({}, "expected one of dataframe_split, dataframe_records, instances, inputs; found none"),
    ([], "expected an object with one of"),
    ({"instances": ROWS, "inputs": ROWS}, "found instances and inputs"),
    ({"instances": ROWS, "params": {"x": 1}}, 'unknown key "params"'),
    ({"instances": 5}, 'expected "instances" to be a list of rows, found 5'),
    ({"instances": []}, "the request has no rows"),
    ({"dataframe_split": 5}, 'expected "dataframe_split" to be an object'),
    ({"dataframe_split": {**SPLIT, "more": 1}}, 'unknown key "more" in "dataframe_split"'),
    ({"dataframe_split": {**SPLIT, "index": [1]}}, "one element for each of the 2 rows"),
    ({"dataframe_split": {**SPLIT, "data": [[1], 2]}}, "row 0: expected 4 values, found 1 (and 1 more)"),
    ({"dataframe_split": {**SPLIT, "columns": ["n", "n", "t", "b"]}}, "column 'n': the name stands twice"),
    (b'{"dataframe_records": [NaN]}', "row 0: expected an object, found nan"),
    (b"{", "no JSON"),
    (b'{"inputs": {}, "inputs": {}}', "the name stands twice"),
]


@pytest.mark.parametrize(("body", "problem"), WRONG)
def test_a_request_that_is_none_says_why(body: Any, problem: str) -> None:
    assert problem in str(refused(body))


def test_csv_that_is_none_says_why() -> None:
    for body, problem in (
        (b"", "its first line names the columns"),
        (b"\xff", "no UTF-8"),
        (b'a,"b', "no CSV"),
        (b"n,a,t,b\n1,2\n", "row 0: expected 4 values, found 2"),
        (b"n,a,t,b\n", "the request has no rows"),
        (b"n,a,t\n1,2,3\n", "missing column"),
    ):
        assert problem in str(refused(body, "text/csv"))
    assert refused(b"", "text/plain").status == 415


def test_a_cell_of_many_digits_is_refused_at_once() -> None:
    (told,) = refused(b"n,a,t,b\n1," + b"9" * 100_000 + b"x,,true\n", "text/csv").problems
    assert told["column"] == "a"
