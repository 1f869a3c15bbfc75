"""Drift is told from profiles alone: a verdict for each column and the table, with what moved."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial import distance

from solvent.errors import SolventError
from solvent.profiles.drift import ColumnDrift, TableDrift, compare, window
from solvent.profiles.limits import LIMITS, learnt
from solvent.profiles.make import make_profile
from solvent.profiles.measures import LEAST_SHARE
from solvent.profiles.records import Profile, profile_from_json, to_json

RNG = np.random.default_rng(11)
N = 2000
BELL = RNG.normal(size=N)


def profile(values: Any, name: str = "x", **options: Any) -> Profile:
    array = values if isinstance(values, pa.Array) else pa.array(values, from_pandas=False)
    return make_profile(pa.table({name: array}), **options)


def column(reference: Any, current: Any, **options: Any) -> ColumnDrift:
    found = compare(profile(reference, **options), profile(current, **options)).column("x")
    assert found is not None
    return found


def letters(**counts: int) -> list[str]:
    return [name for name, count in counts.items() for _ in range(count)]


# Numbers


def test_equal_data_has_not_drifted() -> None:
    found = column(BELL, BELL[::-1])
    assert (found.verdict, found.moved, found.why) == ("ok", "", "")
    assert {name: found.measures[name] for name in ("ks", "psi", "wasserstein", "nulls")} == {
        "ks": 0,
        "psi": 0,
        "wasserstein": 0,
        "nulls": 0,
    }


@pytest.mark.parametrize(("shift", "verdict"), [(0.05, "ok"), (0.35, "warn"), (0.8, "alert")])
def test_a_shift_warns_and_alerts_by_its_size(shift: float, verdict: str) -> None:
    assert column(BELL, BELL + shift).verdict == verdict


def test_the_range_that_moved_is_told_in_words() -> None:
    waits = np.repeat(np.arange(100), 20)
    later = np.where(RNG.random(N) < 0.3, RNG.integers(20, 60, N), waits)
    found = column(waits, later)
    assert found.verdict == "warn"
    share = float(np.mean((later > 19) & (later < 60)) - 0.4)
    assert found.moved.startswith(f"{share * 100:.1f}".removesuffix(".0"))
    assert "% more rows between 20 and 60 (" in found.moved or "% more rows between 19 and 59 (" in found.moved


def test_one_value_that_became_frequent_is_told() -> None:
    assert column([1, 2, 3, 4] * 500, [1, 2, 3, 3] * 500).moved == "25 % more rows at 3 (25 % -> 50 %)"


def test_a_constant_that_changed_is_told() -> None:
    assert column([3] * N, [3] * N).verdict == "ok"
    found = column([3] * N, [4] * N)
    assert (found.verdict, found.moved) == ("alert", "3 -> 4")


def test_heavy_tails_do_not_hide_what_the_bulk_does() -> None:
    values = np.exp(2 * RNG.normal(size=20_000))
    found = column(values, values * 1.8)
    assert found.measures["ks"] == pytest.approx(stats.ks_2samp(values, values * 1.8).statistic, abs=0.001)
    assert found.verdict == "warn"


def test_a_few_outliers_are_no_drift() -> None:
    found = column(BELL, np.where(np.arange(N) < 2, 1e6, BELL))
    assert found.verdict == "ok"
    assert found.measures["wasserstein"] > 100


def test_infinities_are_counted_by_themselves() -> None:
    found = column(BELL, np.where(np.arange(N) < 200, np.inf, BELL))
    assert (found.verdict, found.measure, found.moved) == ("alert", "infinite", "infinite 0 % -> 10 %")


def test_missing_values_are_told() -> None:
    some = [None if n % 10 == 0 else float(n) for n in range(N)]
    found = column([float(n) for n in range(N)], some)
    assert (found.verdict, found.measure, found.moved) == ("alert", "nulls", "missing 0 % -> 10 %")
    assert column(some, [None if n % 9 == 0 else float(n) for n in range(N)]).verdict == "warn"


def test_an_id_has_other_values_and_no_drift() -> None:
    found = column(list(range(N)), list(range(N, 2 * N)))
    assert (found.verdict, found.why) == ("ok", "an id: other values are no drift")
    assert found.measures["ks"] == 1


def test_time_goes_on_and_does_not_go_back() -> None:
    days = [pa.array(86_400 * (RNG.integers(0, 28, N) + 28 * month), pa.timestamp("s")) for month in range(2)]
    forth, back = column(*days), column(*days[::-1])
    assert (forth.verdict, forth.why, forth.measures["ks"]) == ("ok", "time went on", 1)
    assert (back.verdict, back.moved) == ("alert", "100 % more rows up to 1970-01-28 (0 % -> 100 %)")


def test_integers_that_become_floats_are_compared() -> None:
    assert column([1, 2, 3] * 700, [1.0, 2.0, 3.0] * 700).verdict == "ok"


# Categories


def test_the_category_that_moved_is_named() -> None:
    found = column(letters(AA=940, WN=60), letters(AA=840, WN=160))
    assert (found.verdict, found.moved) == ("warn", "WN 6 % -> 16 %")
    found = column(letters(AA=500, UA=440, WN=60), letters(AA=450, UA=350, WN=200))
    assert found.moved == "WN 6 % -> 20 %"


def test_categories_are_measured_as_defined() -> None:
    first, second = np.array([500, 300, 200]) / 1000, np.array([400, 350, 250]) / 1000
    found = column(letters(a=500, b=300, c=200), letters(a=400, b=350, c=250)).measures
    assert found["js"] == pytest.approx(distance.jensenshannon(first, second, base=2))
    assert found["psi"] == pytest.approx(np.sum((second - first) * np.log(second / first)))
    assert found["l_infinity"] == pytest.approx(0.1)


def test_an_unseen_category_warns_and_from_one_row_in_a_hundred_alerts() -> None:
    one = column(letters(AA=1500, UA=500), letters(AA=1499, UA=500, HA=1))
    assert (one.verdict, one.measure, one.moved) == ("warn", "unseen", "unseen HA 0.1 %")
    assert column(letters(AA=1500, UA=500), letters(AA=1470, UA=500, HA=30)).verdict == "alert"


def test_many_categories_are_judged_by_their_largest_change() -> None:
    names = [f"city {n}" for n in range(200)]
    found = column(names * 20, names * 20 + ["city 7"] * 1000)
    assert (found.verdict, found.measure) == ("alert", "l_infinity")
    assert found.moved == "city 7 0.5 % -> 20.4 %"
    assert "psi" not in found.measures


def test_texts_that_are_all_different_have_not_drifted() -> None:
    assert column([f"a {n}" for n in range(N)], [f"b {n}" for n in range(N)]).verdict == "ok"


def test_categories_that_dissolve_alert() -> None:
    assert column(letters(AA=1500, UA=500), [f"carrier {n}" for n in range(N)]).verdict == "alert"


def test_truth_values_are_categories() -> None:
    found = column([True] * 1500 + [False] * 500, [True] * 500 + [False] * 1500)
    assert (found.verdict, found.moved) == ("alert", "False 25 % -> 75 %")
    assert column([True] * N, [True] * N).verdict == "ok"


# What can't be compared


def test_another_type_is_an_alert() -> None:
    found = column([1, 2] * N, ["1", "2"] * N)
    assert (found.verdict, found.measure, found.moved) == ("alert", "type", "int64 -> string")


def test_columns_without_values_are_no_error() -> None:
    nothing = pa.array([None] * N, pa.float64())
    found = column(nothing, nothing)
    assert (found.verdict, found.why) == ("unknown", "it has no values on either side")
    found = column(BELL, nothing)
    assert (found.verdict, found.moved, found.why) == ("alert", "missing 0 % -> 100 %", "the new column has no values")
    assert column(nothing, BELL).verdict == "alert"


def test_a_masked_column_is_compared_by_what_is_missing_alone() -> None:
    found = column(letters(AA=N), letters(UA=N), sensitive=["x"])
    assert (found.verdict, found.why) == ("unknown", "it is masked: only what is missing is compared")
    assert column(letters(AA=N), [None] * N, sensitive=["x"]).verdict == "alert"


def test_lists_are_not_compared() -> None:
    found = column([[1, 2]] * N, [[3]] * N)
    assert found.verdict == "unknown"
    assert "are not compared" in found.why


def test_tables_without_rows_are_unknown() -> None:
    empty, full = profile(pa.array([], pa.float64())), profile(BELL)
    assert (compare(full, empty).verdict, compare(full, empty).why) == ("unknown", "the new table has no rows")
    assert compare(empty, full).why == "the former table has no rows"
    assert compare(empty, empty).why == "neither table has any rows"


@pytest.mark.slow
@settings(max_examples=50)
@given(
    st.lists(st.none() | st.floats(), max_size=20),
    st.lists(st.none() | st.floats(), max_size=20),
    st.lists(st.none() | st.text(max_size=2), max_size=20),
    st.lists(st.none() | st.text(max_size=2), max_size=20),
)
def test_whatever_columns_hold_there_is_a_verdict(a: list[Any], b: list[Any], c: list[Any], d: list[Any]) -> None:
    for first, second, kind in ((a, b, pa.float64()), (c, d, pa.string()), (a, b, pa.float64())):
        found = compare(profile(pa.array(first, kind)), profile(pa.array(second, kind)))
        for each in (found, *found.columns):
            assert each.verdict in ("ok", "warn", "alert", "unknown")


# Tables


def two(**changed: Any) -> Profile:
    steady = {f"steady_{n}": RNG.permutation(BELL) for n in range(6)}
    return make_profile(pa.table({**steady, **changed}))


def verdict(reference: Profile, current: Profile, **options: Any) -> TableDrift:
    return compare(reference, current, **options)


def test_new_and_vanished_columns_are_told() -> None:
    found = verdict(two(old=BELL), two(fresh=BELL))
    assert [(each.name, each.verdict) for each in found.columns if each.verdict != "ok"] == [
        ("fresh", "new"),
        ("old", "gone"),
    ]
    assert (found.verdict, found.why) == ("alert", "old")
    assert verdict(two(), two(fresh=BELL)).verdict == "warn"


def test_a_table_alerts_with_one_of_its_important_columns() -> None:
    pair = two(x=BELL), two(x=BELL + 1)
    assert verdict(*pair).verdict == "alert"
    assert verdict(*pair, important=["steady_0"]).verdict == "warn"
    assert verdict(*pair, important=["x"]).verdict == "alert"


@pytest.mark.slow
def test_a_table_alerts_if_three_columns_in_ten_warn() -> None:
    def table(shifted: int) -> Profile:
        return make_profile(pa.table({f"x{n}": BELL + 0.35 * (n < shifted) for n in range(10)}))

    assert verdict(table(0), table(2)).verdict == "warn"
    found = verdict(table(0), table(3))
    assert (found.verdict, found.why) == ("alert", "3 of 10 columns warn")


def test_drift_is_the_same_after_profiles_were_stored() -> None:
    pair = two(x=BELL, c=["a", "b"] * 1000), two(x=BELL + 1, c=["a", "c"] * 1000)
    found = compare(*(profile_from_json(to_json(each)) for each in pair))
    for one, other in zip(found.columns, compare(*pair).columns, strict=True):
        assert (one.verdict, one.measure, one.moved) == (other.verdict, other.measure, other.moved)
        assert one.measures == pytest.approx(other.measures, abs=1e-9)


# Few rows


def test_few_rows_alert_only_where_chance_is_excluded() -> None:
    rows = np.arange(40.0)
    chance = column(rows, np.where(rows < 9, 39.5, rows))
    assert chance.measures["ks"] > LIMITS["ks"][1]
    assert chance.verdict == "ok"
    found = column(rows, rows + 30)
    assert found.verdict == "alert"
    assert found.p_value is not None
    assert found.p_value < 0.001


def test_many_columns_are_allowed_for_when_chance_is_excluded() -> None:
    def table(others: int, **counts: int) -> Profile:
        same = {f"y{n}": letters(a=50, b=50) for n in range(others)}
        return make_profile(pa.table({"x": letters(**counts), **same}))

    alone, among = (compare(table(n, a=50, b=50), table(n, a=30, b=70)).column("x") for n in (0, 50))
    assert alone is not None
    assert among is not None
    assert alone.p_value is not None
    assert alone.p_value == among.p_value == alone.adjusted
    assert among.adjusted == pytest.approx(alone.p_value * 51)
    assert (alone.verdict, among.verdict) == ("alert", "ok")


# History


@pytest.mark.slow
def test_from_ten_versions_on_a_column_is_judged_by_its_own_history() -> None:
    months = [profile(BELL[:1500] + 0.3 * (n % 2)) for n in range(12)]
    unsettled = compare(months[-2], months[-1], months[:-1])
    assert (unsettled.verdict, unsettled.versions) == ("ok", 11)
    assert compare(months[-2], months[-1], months[:9]).verdict == "warn"
    still = [profile(RNG.permutation(BELL)) for _ in range(12)]
    moved = profile(BELL + 0.1)
    assert compare(still[-1], moved).verdict == "ok"
    assert compare(still[-1], moved, still).verdict == "alert"


def test_limits_are_mean_and_two_and_three_deviations() -> None:
    values = [0.1, 0.2, 0.3, 0.4]
    mean, deviation = np.mean(values), np.std(values, ddof=1)
    assert learnt("ks", values) == pytest.approx((mean + 2 * deviation, mean + 3 * deviation))
    assert learnt("ks", [0.0] * 9) == (0.01, 0.02)


@pytest.mark.slow
def test_a_column_that_is_new_in_the_history_has_fixed_limits() -> None:
    old = [make_profile(pa.table({"y": BELL})) for _ in range(11)]
    found = compare(profile(BELL), profile(BELL + 0.35), old).column("x")
    assert found is not None
    assert found.limits in LIMITS.values()


# Windows


def test_a_window_is_like_the_profile_of_all_rows_together() -> None:
    parts = [
        pa.table({"x": BELL[:900] + n, "c": letters(a=500, b=400), "n": [None] * n + [1] * (900 - n)}) for n in range(3)
    ]
    merged, whole = window([make_profile(each) for each in parts]), make_profile(pa.concat_tables(parts))
    assert merged.rows == 2700
    for name in ("x", "c", "n"):
        one, other = merged.column(name), whole.column(name)
        assert one is not None
        assert other is not None
        for fact in ("rows", "nulls", "minimum", "maximum", "zeros", "negatives"):
            assert getattr(one, fact) == getattr(other, fact)
        assert dict(one.top) == dict(other.top)
        assert one.mean == pytest.approx(other.mean)
        assert one.std == pytest.approx(other.std)
    found = compare(merged, whole)
    assert all(value < 0.002 for each in found.columns for value in each.measures.values())


def test_a_window_of_one_is_that_profile_and_none_is_an_error() -> None:
    one = profile(BELL)
    assert window([one]).columns == one.columns
    with pytest.raises(SolventError, match="at least one profile"):
        window([])


def test_a_window_leaves_out_versions_in_which_a_column_is_of_another_kind() -> None:
    merged = window([profile(["a"] * 10), profile([1] * 20)])
    assert merged.column("x") == profile([1] * 20).column("x")


# The figure


def psi(reference: np.ndarray, current: np.ndarray) -> float:
    """The index of raw data, on the deciles of the reference."""
    ends = np.unique(np.quantile(reference, np.linspace(0.1, 0.9, 9)))
    shares = [
        np.maximum(np.diff(np.r_[0, np.searchsorted(np.sort(each), ends, "right") / len(each), 1]), LEAST_SHARE)
        for each in (reference, current)
    ]
    return float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0])))


def pairs(rows: int, rng: np.random.Generator) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Data of many shapes, still and moved: smooth, skewed, with gaps, ties, outliers and heavy tails."""

    def delays(share: float) -> np.ndarray:
        return np.round(rng.normal(-5, 4, rows) + rng.exponential(120, rows) * (rng.random(rows) < share))

    def prices(share: float, mean: float) -> np.ndarray:
        usual = rng.choice([0.99, 1.99, 4.99, 9.99, 19.99], rows)
        return np.where(rng.random(rows) < share, usual, np.round(rng.exponential(mean, rows), 2))

    def clusters(count: int) -> np.ndarray:
        return rng.integers(0, count, rows) * 10 + rng.normal(0, 0.1, rows)

    def sides(share: float) -> np.ndarray:
        return np.where(rng.random(rows) < share, rng.normal(size=rows), rng.normal(50, 1, rows))

    bell = rng.normal
    return {
        "still": (bell(size=rows), bell(size=rows)),
        "0.02 deviations": (bell(size=rows), bell(0.02, 1, rows)),
        "0.3 deviations": (bell(size=rows), bell(0.3, 1, rows)),
        "one deviation": (bell(size=rows), bell(1, 1, rows)),
        "twice as wide": (bell(size=rows), bell(0, 2, rows)),
        "lognormal": (np.exp(2 * bell(size=rows)), 1.8 * np.exp(2 * bell(size=rows))),
        "outliers": (bell(size=rows), np.where(rng.random(rows) < 0.001, 1e6, bell(size=rows))),
        "Cauchy": (rng.standard_cauchy(rows), 1.5 * rng.standard_cauchy(rows)),
        "uniform": (rng.random(rows), rng.random(rows) ** 1.3),
        "both ends": (rng.beta(0.3, 0.3, rows), rng.beta(0.4, 0.3, rows)),
        "two sides": (sides(0.5), sides(0.4)),
        "clusters": (clusters(40), clusters(44)),
        "counts": (rng.poisson(3, rows), rng.poisson(3.5, rows)),
        "delays": (delays(0.4), delays(0.5)),
        "many integers": (np.round(np.exp(bell(3, 2, rows))), np.round(np.exp(bell(3.4, 2, rows)))),
        "many zeros": (
            np.where(rng.random(rows) < 0.6, 0, rng.exponential(size=rows)),
            np.where(rng.random(rows) < 0.5, 0, rng.exponential(size=rows)),
        ),
        "two decimals": (np.round(bell(size=rows), 2), np.round(bell(0.2, 1, rows), 2)),
        "prices": (prices(0.5, 10), prices(0.4, 12)),
        "constant": (np.full(rows, 3.0), bell(3, 1, rows)),
    }


def check_figure(rows: int) -> tuple[float, float]:
    """Compare drift from profiles with drift from raw data; give the largest differences.

    An index of more than 0.4, which alerts by far, may be off by 2.5 % of itself.
    """
    worst = [0.0, 0.0]
    for name, (first, second) in pairs(rows, np.random.default_rng(rows)).items():
        found = column(first, second).measures
        exact = stats.ks_2samp(first, second, method="asymp").statistic, psi(first, second)
        assert found["ks"] == pytest.approx(exact[0], abs=0.005), name
        assert found["psi"] == pytest.approx(exact[1], abs=max(0.01, 0.025 * exact[1])), name
        worst = [
            max(each) for each in zip(worst, (abs(found["ks"] - exact[0]), abs(found["psi"] - exact[1])), strict=True)
        ]
    return worst[0], worst[1]


@pytest.mark.slow
def test_drift_from_profiles_is_drift_from_raw_data() -> None:
    check_figure(400)


@pytest.mark.slow
@pytest.mark.parametrize("rows", [100, 257, 700, 1000, 3000, 10_000, 100_000, 1_000_000])
def test_drift_from_profiles_is_drift_from_raw_data_for_any_number_of_rows(rows: int) -> None:
    ks, index = check_figure(rows)
    print(f"{rows} rows: largest differences KS {ks:.4f}, PSI {index:.4f}")


def false_alarms(rows: int, tables: int) -> dict[str, float]:
    """Give the shares of columns that warn and alert, and of tables of 20 columns that do, where nothing has drifted."""
    rng = np.random.default_rng(rows)
    cities = [f"city {n}" for n in range(50)]
    found = {"column warns": 0, "column alerts": 0, "table warns": 0, "table alerts": 0}

    def draw() -> Profile:
        columns: dict[str, Any] = {}
        for n in range(5):
            columns[f"bell {n}"] = rng.normal(size=rows)
            columns[f"tail {n}"] = np.exp(2 * rng.normal(size=rows))
            columns[f"few {n}"] = rng.choice(list("abcdef"), rows)
            columns[f"many {n}"] = rng.choice(cities, rows)
        return make_profile(pa.table(columns))

    for _ in range(tables):
        drift = compare(draw(), draw())
        verdicts = [each.verdict for each in drift.columns]
        found["column warns"] += verdicts.count("warn")
        found["column alerts"] += verdicts.count("alert")
        found["table warns"] += drift.verdict == "warn"
        found["table alerts"] += drift.verdict == "alert"
    return {name: count / tables / (20 if name.startswith("column") else 1) for name, count in found.items()}


@pytest.mark.slow
@pytest.mark.parametrize("rows", [100, 300, 1000])
def test_chance_alone_hardly_ever_warns(rows: int) -> None:
    found = false_alarms(rows, 100 if rows < 1000 else 40)
    print(rows, found)
    assert found["column warns"] + found["column alerts"] <= 0.01
    assert found["column alerts"] <= (0.005 if rows < 1000 else 0)
    assert found["table alerts"] <= (0.08 if rows < 1000 else 0)
