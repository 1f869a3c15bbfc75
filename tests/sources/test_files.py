"""Local files of every format, in every type, and what may be wrong with them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from solvent import source
from solvent.errors import DataError, SolventError, SourceError
from solvent.sources.batches import Batches
from tests.sources.conftest import Open

TABLE = pa.table({"month": [1, 1, 2], "delay": [2.5, None, 4.0], "name": ["a", "b", None]})

WRITERS: dict[str, Callable[[Path], object]] = {
    "csv": lambda path: TABLE.to_pandas().to_csv(path, index=False),
    "jsonl": lambda path: pl.from_arrow(TABLE).write_ndjson(path),  # type: ignore[union-attr]
    "parquet": lambda path: pq.write_table(TABLE, path),
    "arrow": lambda path: feather.write_feather(TABLE, str(path)),
}

READ: dict[str, tuple[Any, Callable[[Any], pa.Table]]] = {
    "pandas": (pd.DataFrame, lambda found: pa.Table.from_pandas(found, preserve_index=False)),
    "polars": (pl.DataFrame, lambda found: found.to_arrow()),
    "lazy": (pl.LazyFrame, lambda found: found.collect().to_arrow()),
    "arrow": (pa.Table, lambda found: found),
    "duckdb": (duckdb.DuckDBPyRelation, lambda found: found.to_arrow_table()),
    "batches": (Batches, lambda found: pa.Table.from_batches(found, found.schema)),
}


def one(opened: Open, location: str, more: str = "") -> None:
    opened(f"sources:\n  t:\n    location: {location}\n{more}")


@pytest.mark.parametrize("form", WRITERS)
@pytest.mark.parametrize("kind", READ)
def test_every_format_comes_in_every_type(opened: Open, project: Path, form: str, kind: str) -> None:
    WRITERS[form](project / f"t.{form}")
    one(opened, f"t.{form}")
    asked, back = READ[kind]
    found = source("t", asked)
    assert isinstance(found, asked)
    assert back(found).to_pylist() == TABLE.to_pylist()


@pytest.mark.parametrize("form", WRITERS)
def test_columns_and_rows_can_be_chosen(opened: Open, project: Path, form: str) -> None:
    WRITERS[form](project / f"t.{form}")
    one(opened, f"t.{form}")
    for asked, back in READ.values():
        found = back(source("t", asked, columns=["delay", "month"], where=[("month", "==", 1)]))
        assert found.to_pylist() == [{"delay": 2.5, "month": 1}, {"delay": None, "month": 1}]


def test_a_pandas_table_is_the_one_that_pandas_reads(opened: Open, project: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "c": pd.Categorical(["u", "v"])}, index=["i", "j"])
    frame.to_parquet("t.parquet")
    one(opened, "t.parquet")
    pd.testing.assert_frame_equal(source("t"), pd.read_parquet("t.parquet"))


def test_folders_name_values_and_patterns_join_files(opened: Open, project: Path) -> None:
    for month in (1, 2, 10):
        folder = project / "data" / f"month={month}"
        folder.mkdir(parents=True)
        pq.write_table(pa.table({"delay": [month * 1.0]}), folder / "part.parquet")
        TABLE.slice(0, 1).to_pandas()[["delay"]].to_csv(project / "data" / f"month={month}" / "p.csv", index=False)
    (project / "data" / "_success.parquet").write_text("")
    one(opened, "data", "    format: parquet\n")
    assert sorted(source("t", pa.Table).to_pylist(), key=str) == [
        {"delay": 1.0, "month": 1},
        {"delay": 10.0, "month": 10},
        {"delay": 2.0, "month": 2},
    ]
    assert source("t", pa.Table, where=[("month", "==", 10)])["delay"].to_pylist() == [10.0]
    assert source("t", pl.LazyFrame).filter(pl.col("month") == 10).collect()["delay"].to_list() == [10.0]
    one(opened, '"data/month=*/*.csv"')
    assert sorted(source("t")["month"]) == [1, 2, 10]
    one(opened, '"data/month=*/*.parquet"', "    options: {partitioning: none}\n")
    assert source("t", pa.Table).column_names == ["delay"]


def test_a_file_with_another_schema_is_named_with_the_column_and_both_types(opened: Open, project: Path) -> None:
    (project / "d").mkdir()
    pq.write_table(pa.table({"n": [1], "m": [1]}), "d/1.parquet")
    pq.write_table(pa.table({"n": ["1"], "m": [1]}), "d/2.parquet")
    one(opened, "d")
    with pytest.raises(SourceError, match=r"column 'n' is string in 2\.parquet and int64 in 1\.parquet"):
        source("t")
    pq.write_table(pa.table({"n": [1], "mm": [1]}), "d/2.parquet")
    with pytest.raises(SourceError, match=r"2\.parquet has no column 'm', which 1\.parquet has; did you mean 'mm'"):
        source("t")
    pq.write_table(pa.table({"n": [None], "m": [2]}), "d/2.parquet")
    assert source("t")["m"].tolist() == [1, 2]


def test_numbers_of_csv_files_find_one_type(opened: Open, project: Path) -> None:
    (project / "1.csv").write_text("n\n1\n")
    (project / "2.csv").write_text("n\n1.5\n")
    one(opened, '"*.csv"')
    assert source("t")["n"].tolist() == [1.0, 1.5]
    assert [batch["n"].to_pylist() for batch in source("t", Batches)] == [[1.0], [1.5]]


@pytest.mark.parametrize("kind", [pd.DataFrame, Batches])
def test_broken_csv_is_told_with_its_line(opened: Open, project: Path, kind: Any) -> None:
    (project / "t.csv").write_text('a,b\n1,"x\ny"\n3,4,5\n')
    one(opened, "t.csv")
    with pytest.raises(SourceError, match=r"line 4 of t\.csv has 3 values, and 2 were expected"):
        list(source("t", kind))
    (project / "t.csv").write_text("a,b\n1,2\n3,x\n")
    one(opened, "t.csv", "    columns: {b: int64}\n")
    with pytest.raises(SourceError, match=r"line 3 of t\.csv has 'x' in a column of int64"):
        list(source("t", kind))
    (project / "t.csv").write_text("")
    with pytest.raises(SourceError, match="can't be read as csv"):
        list(source("t", kind))


def test_broken_json_lines_are_told_with_their_line(opened: Open, project: Path) -> None:
    (project / "t.jsonl").write_text('{"a": 1}\n{"a": \n')
    one(opened, "t.jsonl")
    with pytest.raises(SourceError, match=r"line 2 of t\.jsonl is no JSON"):
        source("t")


def test_what_is_no_parquet_is_said(opened: Open, project: Path) -> None:
    (project / "t.parquet").write_text("hello")
    one(opened, "t.parquet")
    with pytest.raises(SourceError, match="`t` can't be read as parquet"):
        source("t")


def test_a_column_that_is_gone_is_named_with_the_nearest(opened: Open, project: Path) -> None:
    WRITERS["parquet"](project / "t.parquet")
    one(opened, "t.parquet")
    for asked, _ in READ.values():
        with pytest.raises(SourceError, match="no column 'dely'; did you mean 'delay'"):
            list(source("t", asked, columns=["dely"]))
    one(opened, "t.parquet", "    columns: {dly: double}\n")
    with pytest.raises(SourceError, match="the column 'dly' is gone; did you mean 'delay'"):
        source("t")
    one(opened, "t.parquet", "    columns: {delay: int64}\n")
    with pytest.raises(SourceError, match="'delay' is declared as int64 and is double"):
        source("t")


def test_a_missing_file_and_an_empty_pattern_are_named(opened: Open, project: Path) -> None:
    WRITERS["parquet"](project / "t.parquet")
    one(opened, "tt.parquet")
    with pytest.raises(SourceError, match="there is no") as caught:
        source("t")
    assert "t.parquet" in str(caught.value.hint)
    one(opened, '"x*.parquet"')
    with pytest.raises(SourceError, match=r"no file matches x\*\.parquet"):
        source("t")


def test_an_unknown_type_is_told(opened: Open, project: Path) -> None:
    WRITERS["parquet"](project / "t.parquet")
    one(opened, "t.parquet")
    with pytest.raises(DataError, match=r"can't be given as builtins\.list"):
        source("t", list)


def test_csv_is_read_as_its_options_say(opened: Open, project: Path) -> None:
    (project / "t.csv").write_bytes("x;1,5;-\nß;2;3\n".encode("latin1"))
    options = "{delimiter: ';', decimal: ',', encoding: latin1, names: [s, f, n], nulls: ['-']}"
    one(opened, "t.csv", f"    options: {options}\n")
    assert source("t", pa.Table).to_pylist() == [{"s": "x", "f": 1.5, "n": None}, {"s": "ß", "f": 2.0, "n": 3}]


def test_the_version_is_the_content(opened: Open, project: Path) -> None:
    WRITERS["parquet"](project / "t.parquet")
    os.link("t.parquet", "same.parquet")
    text = "sources:\n  t: {location: t.parquet}\n  s: {location: same.parquet}\n  all: {location: '*.parquet'}\n"
    sources = opened(text)
    first = sources.token("t")
    assert first == sources.token("s") != sources.token("all")
    pq.write_table(TABLE.slice(1), "new.parquet")
    again = opened(text)
    assert again.token("t") == first
    assert again.token("all") != sources.token("all")
    assert opened(text.replace("t.parquet}", "t.parquet, version: none}")).token("t").startswith("unversioned")


def test_a_file_that_changes_while_it_is_read_is_an_error(
    opened: Open, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from solvent.sources import delivery

    WRITERS["parquet"](project / "t.parquet")
    one(opened, "t.parquet")
    plain = delivery.deliver

    def slow(*given: Any) -> Any:
        found = plain(*given)
        os.utime("t.parquet")
        return found

    monkeypatch.setattr(delivery, "deliver", slow)
    with pytest.raises(SolventError, match="source `t` changed while it was read"):
        source("t")


def test_values_in_names_of_folders_have_one_type_in_every_kind(opened: Open, project: Path) -> None:
    for day in ("2013-01-01", "2013-01-02"):
        folder = project / "d" / f"day={day}" / "month=1"
        folder.mkdir(parents=True)
        pq.write_table(pa.table({"n": [1]}), folder / "p.parquet")
    one(opened, "d")
    frame = source("t", pl.DataFrame)
    assert (
        frame.schema
        == source("t", pl.LazyFrame).collect().schema
        == {"n": pl.Int64, "day": pl.String, "month": pl.Int32}
    )
    assert source("t", pl.LazyFrame).filter(pl.col("day") == "2013-01-02").collect().height == 1


def test_a_file_of_nulls_alone_fits_in_every_kind(opened: Open, project: Path) -> None:
    pq.write_table(pa.table({"n": [None], "m": [1]}), "1.parquet")
    pq.write_table(pa.table({"n": [5], "m": [2]}), "2.parquet")
    one(opened, '"*.parquet"')
    for asked, back in READ.values():
        assert back(source("t", asked)).to_pylist() == [{"n": None, "m": 1}, {"n": 5, "m": 2}]


@pytest.mark.slow
@pytest.mark.parametrize(("form", "line"), [("csv", "{}\n"), ("jsonl", '{{"n": {}}}\n')])
def test_types_are_told_by_all_rows_and_for_batches_by_the_first_or_the_catalogue(
    opened: Open, project: Path, form: str, line: str
) -> None:
    rows = "".join(line.format(each) for each in [*range(1_000_000), 0.5])
    (project / f"t.{form}").write_text(("n\n" if form == "csv" else "") + rows)
    one(opened, f"t.{form}")
    assert source("t", pa.Table)["n"][-1].as_py() == 0.5
    with pytest.raises(SourceError, match=r"line 100000\d|can't be read as jsonl"):
        list(source("t", Batches))
    one(opened, f"t.{form}", "    columns: {n: double}\n")
    assert sum(len(batch) for batch in source("t", Batches)) == 1_000_001
