from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from solvent.errors import AuthoringError, NotFoundError
from solvent.profiles.rowhash import hash_rows, hash_values
from solvent.steps import assign, split

LIBRARIES = ["pandas", "polars", "arrow"]


def people(rows: int = 400) -> pd.DataFrame:
    generator = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "id": np.arange(rows),
            "family": [f"family {each}" for each in generator.integers(0, rows // 4, rows)],
            "day": pd.Timestamp("2013-01-01") + pd.to_timedelta(np.arange(rows) // 7, unit="D"),
            "height": generator.normal(170, 10, rows),
            "sick": generator.random(rows) < 0.1,
        }
    )


def as_library(table: pd.DataFrame, library: str) -> Any:
    if library == "pandas":
        return table
    return pl.from_pandas(table) if library == "polars" else pa.Table.from_pandas(table, preserve_index=False)


def values(table: Any, name: str) -> list[Any]:
    return list(table[name].to_pylist() if isinstance(table, pa.Table) else table[name].to_list())


@pytest.mark.parametrize("library", LIBRARIES)
def test_parts_are_of_the_type_of_the_table_and_keep_its_order(library: str) -> None:
    table = as_library(people(), library)
    parts = split(table, key="id", validation=0.2)
    assert all(type(part) is type(table) for part in parts[:3])
    found = [values(part, "id") for part in parts[:3]]
    assert all(ids == sorted(ids) and ids for ids in found)
    assert sorted(each for ids in found for each in ids) == list(range(400))
    expected = split(people(), key="id", validation=0.2)
    assert found == [list(part["id"]) for part in expected[:3]]
    assert [each.rows for each in parts.record.parts] == [len(ids) for ids in found]


def test_a_pandas_index_is_kept() -> None:
    table = people().set_index(pd.Index([f"row {each}" for each in range(400)], name="label"))
    test = split(table, key="id").test
    assert list(test.index) == [f"row {each}" for each in test["id"]]


def test_an_array_is_split_by_the_hash_of_its_rows() -> None:
    array = np.arange(3000).reshape(1000, 3)
    parts = split(array)
    assert len(parts.train) + len(parts.test) == 1000
    assert 140 < len(parts.test) < 260
    assert parts.validation.shape == (0, 3)


def test_rows_keep_their_part_when_others_come_or_go() -> None:
    table = people()
    before = set(split(table, key="id").test["id"])
    after = set(split(people(800), key="id").test["id"])
    assert {each for each in after if each < 400} == before
    assert set(split(table.iloc[::3], key="id").test["id"]) == {each for each in before if each % 3 == 0}


def test_a_larger_test_part_keeps_the_rows_of_a_smaller_one_and_another_salt_draws_others() -> None:
    table = people()
    small = set(split(table, key="id", test=0.1).test["id"])
    assert small < set(split(table, key="id", test=0.3).test["id"])
    assert small != set(split(table, key="id", test=0.1, salt="again").test["id"])


def test_without_a_key_a_row_is_hashed_but_for_its_target() -> None:
    table = people()
    before = split(table, target="sick").test["id"]
    after = split(table.assign(sick=~table["sick"]), target="sick").test["id"]
    assert list(before) == list(after)


def test_the_hash_is_a_specification() -> None:
    found = hash_rows([pa.array([1, 2, None]), pa.array(["a", "b\u00e9\u4e16\u754c long enough", ""])])
    assert [f"{each:016x}" for each in found] == GOLDEN
    assert f"{hash_values(pa.array([7]))[0]:016x}" == SEVEN


GOLDEN = ["fa8e889ebdaced46", "a8854cbfa659cfa7", "1624c2b3f5bd3b61"]
SEVEN = "c9cf7a8d67736454"


@pytest.mark.parametrize(
    "column",
    [
        *(np.array([7], kind) for kind in ("int8", "int16", "int32", "int64", "uint8", "uint64", "float32", "float64")),
        pd.Series([7], dtype="Int64"),
        pd.Series([7, None]),
        pd.Series([7], dtype="category"),
    ],
)
def test_equal_values_have_equal_hashes_in_every_width(column: Any) -> None:
    assert hash_values(pa.array(column, from_pandas=True))[0] == hash_values(pa.array([7]))[0]


def test_batches_are_assigned_as_the_whole_table() -> None:
    table = as_library(people(1000), "arrow")
    whole = assign(table, key="id", test=0.3, validation=0.1)
    pieces = [assign(batch, key="id", test=0.3, validation=0.1) for batch in table.to_batches(max_chunksize=99)]
    assert list(np.concatenate(pieces)) == list(whole)
    parts = split(table, key="id", test=0.3, validation=0.1)
    assert parts.test.equals(table.filter(pa.array(whole == 2)))


def test_random_shares_are_exact() -> None:
    parts = split(people(), by="random", test=0.25, validation=0.1)
    assert [len(part) for part in parts[:3]] == [260, 40, 100]
    assert parts.record.seed == 0


def test_rows_of_one_moment_are_in_one_part_and_the_latest_are_test() -> None:
    parts = split(people().sample(frac=1, random_state=3), by="time", time="day", test=0.2, validation=0.1)
    assert parts.train["day"].max() < parts.validation["day"].min()
    assert parts.validation["day"].max() < parts.test["day"].min()
    assert abs(len(parts.test) - 80) <= 4
    assert parts.record.findings == ()


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_point_of_time_begins_a_part(library: str) -> None:
    table = as_library(people(), library)
    parts = split(table, by="time", time="day", test_from="2013-02-01")
    assert min(values(parts.test, "day")) == pd.Timestamp("2013-02-01")
    assert max(values(parts.train, "day")) == pd.Timestamp("2013-01-31")


@pytest.mark.parametrize("balanced", [False, True])
def test_groups_stay_whole(balanced: bool) -> None:
    parts = split(people(), by="group", group="family", balanced=balanced)
    assert not set(parts.train["family"]) & set(parts.test["family"])
    assert abs(len(parts.test) - 80) <= (4 if balanced else 60)  # three standard deviations for a hundred families


@pytest.mark.parametrize("target", ["sick", "height"])
def test_each_class_has_the_shares_that_were_asked(target: str) -> None:
    table = people()
    parts = split(table, by="stratified", key="id", target=target, test=0.25)
    if target == "sick":
        assert int(parts.test["sick"].sum()) == 9  # of 34
    assert abs(parts.test[target].mean() / parts.train[target].mean() - 1) < 0.1


def test_a_column_may_name_the_part() -> None:
    table = people().assign(part=["train", "val", "Test", "train"] * 100)
    parts = split(table, by="column", column="part")
    assert [set(part["part"]) for part in parts[:3]] == [{"train"}, {"val"}, {"Test"}]
    with pytest.raises(AuthoringError, match=r"'tset'.*which is no part"):
        split(table.assign(part="tset"), by="column", column="part")


def test_the_record_tells_what_was_asked_what_came_and_how_target_and_columns_are_spread() -> None:
    record = split(people(), key="id", target="sick").record
    assert (record.strategy, record.key, record.target) == ("hash", ("id",), "sick")
    assert [round(each.asked, 6) for each in record.parts] == [0.8, 0.0, 0.2]
    assert sum(each.got for each in record.parts) == pytest.approx(1)
    assert sum(record.parts[0].target.values()) == pytest.approx(1)
    assert set(record.drift) == {"family", "day", "height", "sick"}
    assert record.drift["height"] < 0.2
    again = split(people(), key="id", target="sick").record
    assert again == record
    assert split(people(), key="id", salt="2").record.assignment != record.assignment


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"by": "hsah"}, "did you mean 'hash'"),
        ({"by": "group"}, "needs group="),
        ({"by": "time"}, "needs time="),
        ({"by": "stratified"}, "needs target="),
        ({"test": 20}, "expected a share"),
        ({"test": 0.7, "validation": 0.4}, "nothing to train on"),
        ({"by": "time", "time": "day", "test_from": "soon"}, "no point of time"),
        ({"test_from": "2013-02-01"}, "means nothing with by='hash'"),
        ({"by": "random", "salt": "2"}, "means nothing with by='random'"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(AuthoringError) as error:
        split(people(40), **arguments)
    assert problem in str(error.value) or problem in str(error.value.hint)


def test_a_column_that_is_not_there_is_told_with_the_nearest() -> None:
    with pytest.raises(NotFoundError, match="family"):
        split(people(40), by="group", group="famly")


def test_columns_of_any_kind_are_hashed_and_described() -> None:
    rows = range(60)
    table = pa.table(
        {
            "price": pa.array(rows).cast(pa.decimal128(22, 2)),
            "tags": [[row % 2] for row in rows],
            "place": [{"x": row} for row in rows],
            "at": pa.array(rows, pa.time64("us")),
        }
    )
    for name in table.column_names:
        parts = split(table, key=name, target="tags")
        assert parts.train.num_rows + parts.test.num_rows == 60
    assert set(parts.record.parts[0].target) == {"[0]", "[1]"}
    assert "mean" in split(table, by="random", target="price").record.parts[0].target


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("rows", [0, 1, 2])
def test_tables_of_hardly_any_rows_are_split(library: str, rows: int) -> None:
    table = as_library(people(40).iloc[:rows], library)
    for arguments in ({}, {"by": "random"}, {"by": "time", "time": "day"}, {"by": "group", "group": "family"}):
        parts = split(table, target="sick", **arguments)
        assert sum(len(part) for part in parts[:3]) == rows
