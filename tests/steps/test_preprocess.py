from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from solvent.errors import DataError
from solvent.steps import fit_preprocess, preprocess

TRAIN: dict[str, list[Any]] = {
    "distance": [100, 200, None, 300],
    "delay": [1.0, float("inf"), 3.0, float("nan")],
    "carrier": ["AA", "UA", "AA", None],
    "rainy": [True, False, True, None],
    "same": [7.5, 7.5, 7.5, 7.5],
    "empty": pd.array([None] * 4, dtype="float64"),  # type: ignore[dict-item]
    "day": list(pd.date_range("2013-01-01", periods=4)),
    "late": [0, 1, 0, 1],
}


def table(library: str, columns: dict[str, list[Any]] = TRAIN) -> Any:
    arrow = pa.table({name: pa.array(list(each), from_pandas=True) for name, each in columns.items()})
    return {"arrow": arrow, "polars": pl.DataFrame(arrow), "pandas": arrow.to_pandas()}[library]


@pytest.mark.parametrize("library", ["pandas", "polars", "arrow"])
def test_numbers_are_filled_and_scaled_and_texts_are_encoded(library: str) -> None:
    train = table(library)
    fitted = fit_preprocess(train, "late")
    done = preprocess(fitted, train)
    assert type(done) is type(train)
    found = done.to_pydict() if library == "arrow" else {name: list(done[name]) for name in done.columns}
    assert list(found) == [
        *("distance", "delay", "carrier=AA", "carrier=(missing)", "carrier=UA", "rainy", "same", "late"),
    ]
    width = np.std([100, 200, 300])
    assert found["distance"] == pytest.approx([-100 / width, 0, 0, 100 / width])
    assert found["delay"] == pytest.approx([-1, 0, 1, 0])
    assert found["carrier=AA"] == [1, 0, 1, 0]
    assert found["carrier=(missing)"] == [0, 0, 0, 1]
    assert found["rainy"] == [1, 0, 1, 1]
    assert found["same"] == [0, 0, 0, 0]
    assert found["late"] == [0, 1, 0, 1]
    assert fitted.left_out == (("empty", "no values"), ("day", "times"))


@pytest.mark.parametrize("library", ["pandas", "polars", "arrow"])
@pytest.mark.parametrize("encode", ["one_hot", "ordinal"])
def test_a_row_alone_gives_what_it_gives_among_others(library: str, encode: str) -> None:
    train = table(library)
    fitted = fit_preprocess(train, "late", encode=encode)
    whole = pa.table(preprocess(fitted, train)).to_pylist() if library != "pandas" else None
    for row in range(4):
        one = train.iloc[[row]] if library == "pandas" else train[row : row + 1]
        done = preprocess(fitted, one)
        if library == "pandas":
            pd.testing.assert_frame_equal(done, preprocess(fitted, train).iloc[[row]])
        else:
            assert pa.table(done).to_pylist() == whole[row : row + 1]  # type: ignore[index]


def test_a_category_that_was_not_met_is_none_of_them() -> None:
    train = pd.DataFrame({"carrier": ["AA"] * 3 + ["UA"] * 2 + ["B6"]})
    new = pd.DataFrame({"carrier": ["B6", "XX", None, "AA"]})
    fitted = fit_preprocess(train, most_categories=2)
    assert preprocess(fitted, new).to_dict("list") == {"carrier=AA": [0, 0, 0, 1], "carrier=UA": [0, 0, 0, 0]}
    ordinal = fit_preprocess(train, encode="ordinal")
    assert preprocess(ordinal, new)["carrier"].tolist() == [2, -1, -1, 0]


def test_nothing_of_the_test_part_is_learned() -> None:
    fitted = fit_preprocess(pd.DataFrame({"x": [0.0, 10.0]}), scale="range")
    assert preprocess(fitted, pd.DataFrame({"x": [20.0, None]}))["x"].tolist() == [2.0, 0.5]


def test_the_index_of_pandas_is_kept_and_a_target_need_not_be_there() -> None:
    fitted = fit_preprocess(table("pandas"), "late")
    served = table("pandas").drop(columns=["late", "day", "empty"]).set_index(pd.Index(["a", "b", "c", "d"]))
    done = preprocess(fitted, served)
    assert list(done.index) == ["a", "b", "c", "d"]
    assert "late" not in done


@pytest.mark.parametrize(
    ("work", "says"),
    [
        (lambda train: fit_preprocess(train, "lat"), "did you mean 'late'"),
        (lambda train: fit_preprocess(train, leave_out=["dy"]), "did you mean 'day'"),
        (lambda train: fit_preprocess(train, impute="medain"), "did you mean 'median'"),
        (lambda train: fit_preprocess(train.iloc[:0], "late"), "no rows"),
        (lambda train: fit_preprocess([1, 2]), "expected a table"),
        (lambda train: fit_preprocess(pd.DataFrame({0: [1]})), "column name 0 is no text"),
        (lambda train: fit_preprocess(train.assign(**{"carrier=AA": 1})), "two columns would be called 'carrier=AA'"),
        (lambda train: preprocess(fit_preprocess(train), train.drop(columns="delay")), "has no column 'delay'"),
        (lambda train: preprocess(fit_preprocess(train), train.assign(delay="x")), "'delay' holds texts, and numbers"),
    ],
)
def test_what_can_not_be_preprocessed_is_refused_in_words(work: Any, says: str) -> None:
    with pytest.raises(DataError, match=says):
        work(table("pandas"))
