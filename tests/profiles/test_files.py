"""Tables as files: each format gives back what was written, one table at a time, and wrong ones leave nothing behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import csv, feather, parquet

from solvent.errors import FormatError, SolventError
from solvent.profiles.files import write_file

PIECES = (
    pa.table({"id": [1, 2], "word": pa.nulls(2), "kind": pa.array(["a", "b"]).dictionary_encode()}),
    pa.table({"id": [3, 4], "word": ["x", None], "kind": pa.array(["c", "a"]).dictionary_encode()}),
)
ROWS = {"id": [1, 2, 3, 4], "word": [None, None, "x", None], "kind": ["a", "b", "c", "a"]}


def pieces() -> Iterator[pa.Table]:
    return iter(PIECES)


def test_tables_that_follow_each_other_make_one_file(tmp_path: Path) -> None:
    for name in ("t.parquet", "t.arrow", "t.csv", "t.jsonl"):
        assert write_file(pieces, str(tmp_path / name)) == (4, 3)
    assert parquet.read_table(tmp_path / "t.parquet").to_pydict() == ROWS
    assert feather.read_table(tmp_path / "t.arrow").to_pydict() == ROWS
    text = csv.ConvertOptions(strings_can_be_null=True)
    assert csv.read_csv(tmp_path / "t.csv", convert_options=text).to_pydict() == ROWS
    lines = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text("utf-8").splitlines()]
    assert lines == pa.table(ROWS).to_pylist()


def test_lines_hold_what_json_can(tmp_path: Path) -> None:
    at = datetime(2020, 1, 1, tzinfo=UTC)
    table = pa.table(
        {"x": [float("nan"), float("inf")], "at": [at, None], "bytes": [b"\xff", b"a"], "in": [[{"a": at}], []]}
    )
    write_file(lambda: iter([table]), str(tmp_path / "t.jsonl"))
    text = "2020-01-01T00:00:00+00:00"
    assert [json.loads(line) for line in (tmp_path / "t.jsonl").read_text("utf-8").splitlines()] == [
        {"x": None, "at": text, "bytes": "\\xff", "in": [{"a": text}]},
        {"x": None, "at": None, "bytes": "a", "in": []},
    ]


def test_what_can_not_be_written_leaves_nothing(tmp_path: Path) -> None:
    nested = pa.table({"tags": [[1]]})
    with pytest.raises(FormatError, match="column 'tags' holds lists or records"):
        write_file(lambda: iter([nested]), str(tmp_path / "t.csv"))
    with pytest.raises(SolventError, match=r"no format for a file 't\.xls'"):
        write_file(pieces, str(tmp_path / "t.xls"))
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "mine.csv").write_text("kept")
    with pytest.raises(SolventError, match="is there already"):
        write_file(pieces, str(tmp_path / "mine.csv"))
    assert (tmp_path / "mine.csv").read_text() == "kept"
