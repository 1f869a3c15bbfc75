"""A schema as YAML reads back as it was, and a mistake in it is named with its line."""

from pathlib import Path

import pyarrow as pa
import pytest

from solvent.errors import ConfigError
from solvent.profiles.make import make_profile
from solvent.profiles.schema import Expected, Schema, infer
from solvent.profiles.schema_files import read_schema_file, schema_to_yaml


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "flights.yaml"
    path.write_text(text, "utf-8")
    return str(path)


def test_a_schema_survives_yaml(tmp_path: Path) -> None:
    table = pa.table(
        {
            "country": ["NO", "yes", "1.0", "null", "ü: #", ""] * 4,
            "share": [0.5, None, -1e300, 2.5] * 6,
            "at": pa.array([0, 86_400] * 12, pa.timestamp("s")),
            "big": [10**18] * 24,
            "true": [True, False] * 12,
        }
    )
    schema = infer(make_profile(table), label="share")
    assert read_schema_file(written(tmp_path, schema_to_yaml(schema, "flights"))) == schema


def test_every_word_survives_yaml(tmp_path: Path) -> None:
    one = Expected(
        "x", "int64", "number", False, True, 0.25, ("1", "2"), 0, 24, True, True, ("serving", "training"), False
    )
    schema = Schema((one,), 7)
    assert read_schema_file(written(tmp_path, schema_to_yaml(schema, "flights"))) == schema


@pytest.mark.parametrize(
    ("text", "problem", "line"),
    [
        ("rows: 3\n", "a schema has `columns:`, each with its type", 1),
        ("colums: {}\n", "no word 'colums' here; did you mean 'columns'?", 1),
        ("rows: many\ncolumns: {}\n", "expected a number of rows, found 'many'", 1),
        ("columns:\n  x: int64\n", "column x: expected words like `type: int64`", 2),
        ("columns:\n  x: {kind: number}\n", "column x has no type", 2),
        ("columns:\n  x: {type: int64, kind: nunber}\n", "no kind 'nunber'; did you mean 'number'?", 2),
        ("columns:\n  x:\n    type: int64\n    kind: number\n    nulable: true\n", "no word 'nulable' here", 5),
        ("columns:\n  x:\n    type: int64\n    kind: number\n    unique: 3\n", "expected true or false, found 3", 5),
        ("columns:\n  x:\n    type: int64\n    kind: number\n    null_share: 3\n", "expected a share from 0 to 1", 5),
        ("columns:\n  x:\n    type: int64\n    kind: number\n    range: 3\n", "expected two ends, found 3", 5),
        ("columns:\n  x:\n    type: int64\n    kind: number\n    range: [0, true]\n", "True is no end of a range", 5),
        ("columns:\n  x:\n    type: string\n    kind: text\n    domain: a\n", "expected a list, found 'a'", 5),
        ("columns:\n  x:\n    type: string\n    kind: text\n    domain: [true]\n", "expected a text, found True", 5),
        ("columns:\n  x:\n    type: string\n    kind: text\n    absent: [servign]\n", "did you mean 'serving'", 5),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, problem: str, line: int) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as raised:
        read_schema_file(path)
    assert problem in raised.value.problem
    assert raised.value.where == f"{path}:{line}"
    assert raised.value.hint


def test_a_file_that_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    written(tmp_path, "columns: {}\n")
    with pytest.raises(ConfigError, match=r"did you mean 'flights\.yaml'"):
        read_schema_file(str(tmp_path / "fligths.yaml"))
