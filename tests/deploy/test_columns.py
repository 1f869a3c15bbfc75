"""Which columns a slice needs: found by running it without them, on tables and arrays of every kind."""

import re
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from solvent.deploy.columns import Needed, find_label, needed_columns
from solvent.deploy.selection import altered, column_names, without
from solvent.deploy.slicing import Declaration
from solvent.errors import BundleError
from solvent.pipelines.endpoint import Contract

pytestmark = pytest.mark.slow

Run = Callable[[Any], Any]


class Told(NamedTuple):
    """What of a call counts here: its arguments."""

    arguments: dict[str, Any]


def table(rows: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "id": np.arange(rows),
            "a": rng.normal(size=rows),
            "b": rng.normal(size=rows),
            "kind": rng.choice(["x", "y", "z"], rows),
            "zero": 0.0,
            "target": rng.integers(0, 2, rows),
        }
    )


def needed(
    run: Run, request: Any, label: str | None = None, columns: tuple[str, ...] = (), calls: tuple[Told, ...] = ()
) -> Needed:
    declaration = Declaration("e", "split.test", "predict", Contract(), label, columns, "python")
    found = needed_columns(declaration, calls, run, request, run(request))  # type: ignore[arg-type]
    assert found is not None
    return found


def test_columns_that_are_chosen_by_name_are_needed_in_their_order() -> None:
    found = needed(lambda t: (t[["b", "a"]].sum(axis=1) + (t["kind"] == "x")).to_numpy(), table(), "target")
    assert found == Needed(("id", "a", "b", "kind", "zero", "target"), ("id", "zero", "target"), "target")
    assert found.names == ["a", "b", "kind"]


def test_all_columns_but_the_dropped_label_are_needed_by_an_array() -> None:
    weights = np.arange(1.0, 5.0)
    run: Run = lambda t: t.drop(columns=["target", "kind"], errors="ignore").to_numpy() @ weights  # noqa: E731
    assert needed(run, table(), "target").left_out == ("kind", "target")


def test_a_column_that_is_the_same_in_all_rows_is_needed_if_another_value_would_change_the_response() -> None:
    run: Run = lambda t: t.reindex(columns=["a", "zero"], fill_value=0.0).sum(axis=1)  # noqa: E731
    assert needed(run, table(), "target").names == ["a", "zero"]


def test_a_column_that_counts_only_in_rare_rows_is_found_by_the_proof_on_all_rows() -> None:
    request = table(1000)
    request["rare"] = 0.0
    request.loc[17, "rare"] = 5.0
    run: Run = lambda t: t["a"] + (t["rare"].where(t["rare"] > 4, 0.0) if "rare" in t else 0.0)  # noqa: E731
    assert needed(run, request, "target").names == ["a", "rare"]


def test_a_response_that_depends_on_the_label_is_refused_with_rows() -> None:
    with pytest.raises(BundleError, match="depends on the label 'target'") as refused:
        needed(lambda t: t["a"] + 0.1 * t["target"], table(), "target")
    shown = refused.value.problem.splitlines()[1:]
    assert re.match(r"  row \d+: target [01] -> [12]: value .* became ", shown[0])
    assert re.match(r"  and \d+ more rows", shown[-1])


def test_a_step_that_only_drops_the_label_but_must_have_it_is_told_how() -> None:
    with pytest.raises(BundleError, match="don't run without the label 'target': KeyError") as refused:
        needed(lambda t: t.drop(columns="target")["a"], table(), "target")
    assert 'errors="ignore"' in str(refused.value.hint)
    assert "test_columns.py" in str(refused.value.where)


def test_the_label_is_known_from_the_steps_if_all_say_the_same() -> None:
    run: Run = lambda t: t["a"] + t["target"]  # noqa: E731
    with pytest.raises(BundleError, match="depends on the label 'target'"):
        needed(run, table(), calls=(Told({"target": "target"}), Told({"target": None, "table": 3})))
    both = (Told({"target": "target"}), Told({"label": "a"}))
    assert needed(run, table(), calls=both).names == ["a", "target"]


def test_a_label_with_a_slip_of_the_pen_is_no_other_column() -> None:
    declaration = Declaration("e", "a", "b", Contract(), "tarjet", (), "python")
    with pytest.raises(BundleError, match="did you mean 'target'"):
        find_label(declaration, (), ["a", "target"])
    assert find_label(declaration, (), ["a", "b"]) is None


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow", "numpy"])
def test_every_kind_of_request_is_searched(kind: str) -> None:
    rows = table()[["id", "a", "b", "target"]].astype(float)
    request: Any = {
        "pandas": lambda: rows,
        "polars": lambda: pl.from_pandas(rows),
        "arrow": lambda: pa.Table.from_pandas(rows),
        "numpy": lambda: rows[["a", "b", "id", "target"]].to_numpy(),
    }[kind]()
    run: Run = {
        "pandas": lambda t: t["a"] * t["b"],
        "polars": lambda t: t.select(y=pl.col("a") * pl.col("b")),
        "arrow": lambda t: pa.table({"y": t.column("a")}).append_column("z", t.column("b")),
        "numpy": lambda t: t[:, 0] * t[:, 1],
    }[kind]
    columns = ("a", "b", "id", "target") if kind == "numpy" else ()
    assert needed(run, request, "target", columns).names == ["a", "b"]


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow", "numpy"])
def test_every_kind_of_column_gets_other_values(kind: str) -> None:
    made = table()
    made["flag"] = made["a"] > 0
    made["day"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(made["id"], "D")
    made["category"] = made["kind"].astype("category")
    made["maybe"] = made["id"].astype("Int64").where(made["id"] > 3)
    request: Any = {
        "pandas": lambda: made,
        "polars": lambda: pl.from_pandas(made),
        "arrow": lambda: pa.Table.from_pandas(made),
        "numpy": lambda: made[["id", "a", "zero"]].to_numpy(),
    }[kind]()
    names = column_names(request, ()) or []
    for name in names:
        changed = altered(request, names, {name})
        assert type(changed) is type(request)
        assert str(_column(changed, names, name)) != str(_column(request, names, name)), name
        for other in {*names} - {name}:
            assert str(_column(changed, names, other)) == str(_column(request, names, other))


def _column(request: Any, names: list[str], name: str) -> list[Any]:
    only = without(request, names, {*names} - {name})
    if isinstance(only, np.ndarray):
        return list(only[:, 0].tolist())
    return list(only.column(0).to_pylist() if isinstance(only, pa.Table) else only[name].to_list())


def test_a_response_that_depends_on_the_index_is_refused() -> None:
    request = table().set_index(pd.Index(range(100, 140)))
    with pytest.raises(BundleError, match="depends on the index of the request"):
        needed(lambda t: t["a"] + t.index, request)
    assert needed(lambda t: t["a"] + 1, request).names == ["a"]


def test_a_slice_that_answers_otherwise_each_time_is_refused_with_rows() -> None:
    calls = iter(range(100))
    with pytest.raises(BundleError, match="as they did in the run") as refused:
        needed(lambda t: t["a"] + next(calls), table())
    assert "row 0: " in refused.value.problem


def test_a_declared_tolerance_is_kept_to() -> None:
    calls = iter(range(1000))
    run: Run = lambda t: t["a"] + next(calls) * 1e-8  # noqa: E731
    request = table()
    declaration = Declaration("e", "split.test", "predict", Contract(tolerance=1e-4), None, (), "python")
    found = needed_columns(declaration, (), run, request, run(request))
    assert found is not None
    assert found.names == ["a"]
    with pytest.raises(BundleError, match="as they did in the run"):
        needed(run, request)


def test_a_slice_that_fails_on_what_was_recorded_is_refused_with_the_line() -> None:
    states = iter([0, 1])
    with pytest.raises(BundleError, match="fail on the recorded request: StopIteration"):
        needed(lambda t: [next(states), next(states)], table())


@pytest.mark.parametrize(
    ("columns", "said"), [(["a", "a"], "two 'a'"), ([0, 1], "0 is no text")], ids=["twice", "numbers"]
)
def test_columns_that_no_request_could_name_are_refused(columns: list[Any], said: str) -> None:
    with pytest.raises(BundleError, match=said):
        needed(lambda t: t.iloc[:, 0], pd.DataFrame([[1, 2], [3, 4]], columns=columns))


def test_names_of_an_array_are_as_many_as_it_is_wide() -> None:
    assert column_names(np.zeros((3, 2)), ()) == ["x0", "x1"]
    assert column_names(["one", "two"], ()) is None
    with pytest.raises(BundleError, match="names 3 columns, and the request is an array of 2"):
        column_names(np.zeros((3, 2)), ("a", "b", "c"))


@pytest.mark.parametrize("by_name", [True, False])
def test_five_hundred_columns_take_seconds(by_name: bool) -> None:
    rng = np.random.default_rng(0)
    names = [f"c{at}" for at in range(500)]
    request = pd.DataFrame(rng.normal(size=(300, 500)), columns=names).assign(target=1.0, id=0)
    weights = rng.normal(size=500)

    def run(table: pd.DataFrame) -> Any:
        chosen = table[names] if by_name else table.drop(columns=["target", "id"], errors="ignore")
        return chosen.to_numpy() @ weights

    began = time.process_time()
    assert needed(run, request, "target").left_out == ("target", "id")
    assert time.process_time() - began < 10
