import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvent.deploy.schemas import schema_of
from solvent.errors import DataError
from solvent.serving.refusals import BadRequest
from solvent.serving.schema import schema_from, schema_tree
from solvent.serving.tables import from_columns, plain, to_columns
from solvent.serving.wire import Codec
from tests.serving.kinds import KINDS, same

QUICK = ["matrix", "images", "list of dicts", "list of dataclasses", "list of named tuples", "times of Python"]


def check(kind: str) -> None:
    value = KINDS[kind]()
    schema = schema_of(value)
    assert schema_from(json.loads(json.dumps(schema_tree(schema)))) == schema
    columns = to_columns(value, schema.names)
    codec = Codec(schema, schema)
    decoded = codec.decode(json.dumps({"columns": columns}, allow_nan=False).encode())
    assert decoded.rows == 2
    assert decoded.columns() == columns
    records = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    read = [decoded.value, from_columns(columns, schema)]
    read += [codec.decode(json.dumps(body).encode()).value for body in (records, {"records": records})]
    assert all(same(value, each) for each in read)
    answered = json.loads(codec.encode(value, b'"model":"m"', 2))
    assert answered["predictions"] == (records if len(columns) > 1 else columns[schema.names[0]])


@pytest.mark.parametrize("kind", QUICK)
def test_a_value_comes_back_from_json_as_it_was(kind: str) -> None:
    check(kind)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [each for each in KINDS if each not in QUICK])
def test_every_type_of_every_library_comes_back_from_json_as_it_was(kind: str) -> None:
    check(kind)


FLOATS = st.floats(allow_infinity=False)
COLUMNS: dict[str, Any] = {
    "float64": FLOATS,
    "Int64": st.none() | st.integers(-(2**63), 2**63 - 1),
    "int8": st.integers(-128, 127),
    "uint64": st.integers(0, 2**64 - 1),
    "bool": st.booleans(),
    "boolean": st.none() | st.booleans(),
    "str": st.none() | st.text(),
    "object": st.none() | st.text(),
    "float32": st.floats(allow_infinity=False, width=32),
    "category": st.none() | st.sampled_from(["a", "ä:", '"']),
    "datetime64[ns]": st.none() | st.integers(-(2**62), 2**62),
    "datetime64[s]": st.integers(-60_000_000_000, 200_000_000_000),
    "timedelta64[us]": st.none() | st.integers(-(2**62), 2**62),
}


@st.composite
def frames(draw: Any) -> Any:
    import numpy as np
    import pandas as pd

    names = draw(st.lists(st.text(min_size=1), min_size=1, max_size=4, unique=True))
    rows = draw(st.integers(1, 5))
    found = {}
    for name in names:
        kind = draw(st.sampled_from(sorted(COLUMNS)))
        values = draw(st.lists(COLUMNS[kind], min_size=rows, max_size=rows))
        if kind == "category":
            found[name] = pd.Categorical(values, ["a", "ä:", '"', "unused"])
        elif "64[" in kind:
            counts = np.array([-(2**63) if each is None else each for each in values], "int64")
            found[name] = pd.array(counts.view(kind))
        else:
            found[name] = pd.array(values, dtype=kind if kind != "object" else object)
    return pd.DataFrame(found)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(frames())
def test_any_table_comes_back_from_json_with_its_values_and_types(frame: Any) -> None:
    schema = schema_of(frame)
    columns = to_columns(frame, schema.names)
    codec = Codec(schema, schema)
    records = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    for body in ({"columns": columns}, {"records": records}):
        assert same(codec.decode(json.dumps(body, allow_nan=False).encode()).value, frame)


@given(st.lists(st.floats(), min_size=1))
@settings(max_examples=50, deadline=None)
def test_floats_are_written_so_that_they_come_back_bit_equal(values: list[float]) -> None:
    schema = schema_of([1.5])
    found = json.loads(Codec(schema, schema).encode(values))["predictions"]
    assert found == [each if math.isfinite(each) else None for each in values]


def test_what_has_no_form_in_json_is_refused() -> None:
    for value in (b"bytes", object(), {1: b"bytes"}):
        with pytest.raises(DataError, match="no form in JSON"):
            plain(value)


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(DataError, match="no column 'b'; there are 'a'"):
        to_columns({"a": [1]}, ["b"])


def test_columns_from_elsewhere_go_through_the_same_checks() -> None:
    schema = schema_of([{"a": 1, "b": "x"}])
    assert from_columns({"a": [3.0], "b": ["y"]}, schema) == [{"a": 3, "b": "y"}]
    with pytest.raises(BadRequest, match=r"row 1, column 'a': expected an integer, found 1\.5"):
        from_columns({"a": [1, 1.5], "b": ["x", "y"]}, schema)
