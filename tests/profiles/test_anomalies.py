"""Each way in which a table is not as expected is found, named, and none any more once it was accepted."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvent.errors import ConfigError, NotFoundError
from solvent.profiles.anomalies import Anomaly, accept, anomalies
from solvent.profiles.make import make_profile
from solvent.profiles.records import Profile
from solvent.profiles.schema import ENVIRONMENTS, Schema, infer, schema_from_json, schema_to_json

ROWS = 400


def flights(**changed: Any) -> pa.Table:
    columns: dict[str, Any] = {
        "id": range(ROWS),
        "carrier": ["AA", "UA", "WN", "AA"] * (ROWS // 4),
        "delay": [float(n % 97) for n in range(ROWS)],
        "late": [n % 97 > 60 for n in range(ROWS)],
        "gate": [None if n % 10 == 0 else "B2" for n in range(ROWS)],
        **changed,
    }
    return pa.table({name: values for name, values in columns.items() if values is not None})


def profile(**changed: Any) -> Profile:
    return make_profile(flights(**changed))


SCHEMA = infer(profile(), label="late")


def found(schema: Schema = SCHEMA, environment: str = "training", **changed: Any) -> list[Anomaly]:
    return anomalies(schema, profile(**changed), environment)


def only(**changed: Any) -> Anomaly:
    (one,) = found(**changed)
    return one


def test_a_table_like_the_first_has_no_anomaly() -> None:
    assert found() == []


def test_a_vanished_column() -> None:
    one = only(delay=None)
    assert (one.name, one.severity, one.message) == ("delay.gone", "alert", "the column delay is gone")
    assert one.command("flights@7") == "solvent accept flights@7 delay.gone"


def test_the_label_may_vanish_when_serving_and_nowhere_else() -> None:
    assert found(environment="serving", late=None) == []
    assert only(late=None).name == "late.gone"


def test_a_new_column() -> None:
    one = only(weather=["fog", "sun"] * (ROWS // 2))
    assert (one.name, one.severity) == ("weather.new", "warn")


@pytest.mark.parametrize("name", ["departure_delay", "Delay", "delay_"])
def test_a_column_of_a_like_name_and_type_was_renamed(name: str) -> None:
    one = only(delay=None, **{name: [float(n % 97) for n in range(ROWS)]})
    assert one.name == "delay.renamed"
    assert name in one.message


def test_a_column_of_the_same_domain_was_renamed_whatever_it_is_called() -> None:
    assert only(carrier=None, airline=["AA", "UA", "WN", "AA"] * (ROWS // 4)).name == "carrier.renamed"


def test_another_column_was_not_renamed() -> None:
    names = [each.name for each in found(delay=None, temperature=[float(n) * 1000 for n in range(ROWS)])]
    assert names == ["delay.gone", "temperature.new"]


def test_another_type() -> None:
    assert only(delay=[n % 97 for n in range(ROWS)]).severity == "warn"
    one = only(delay=[str(n % 97) for n in range(ROWS)])
    assert (one.name, one.severity, one.message) == (
        "delay.type",
        "alert",
        "delay is string; float64 was expected",
    )


def test_missing_values_where_there_were_none() -> None:
    one = only(carrier=[None, "UA", "WN", "AA"] + ["AA", "UA", "WN", "AA"] * (ROWS // 4 - 1))
    assert (one.name, one.severity) == ("carrier.nulls", "alert")
    assert one.message == "carrier has 1 missing values (0.2 %); none were expected"


def test_more_missing_values_than_usual() -> None:
    one = only(gate=[None if n % 3 == 0 else "B2" for n in range(ROWS)])
    assert (one.name, one.severity) == ("gate.null_share", "alert")
    assert one.message == "more values of gate are missing: 10 % -> 33.5 %"


def test_a_constant_has_no_range() -> None:
    schema = infer(make_profile(pa.table({"month": [1] * ROWS})))
    assert anomalies(schema, make_profile(pa.table({"month": [2] * ROWS}))) == []


def test_a_few_more_missing_values_of_a_small_table_are_chance() -> None:
    assert found(gate=[None if n % 10 == 0 or n % 20 == 1 else "B2" for n in range(ROWS)]) == []


def test_new_values_are_named_with_their_share() -> None:
    one = only(carrier=["HA"] * 4 + ["AA", "UA", "WN", "AA"] * (ROWS // 4 - 1))
    assert (one.name, one.severity) == ("carrier.domain", "warn")
    assert one.message == "carrier has a new value: 'HA' (1 %)"
    many = only(carrier=["HA", "F9", "EV", "YV", "OO"] * 4 + ["AA", "UA", "WN", "AA"] * (ROWS // 4 - 5))
    assert many.severity == "alert"
    assert many.message.endswith("and 2 more")


def test_a_domain_that_dissolves() -> None:
    one = only(carrier=[f"carrier {n}" for n in range(ROWS)])
    assert one.proposal == "any value may occur"


def test_the_maximum_of_next_month_is_no_anomaly() -> None:
    assert found(delay=[float(n % 97) + 2 * (n == 96) for n in range(ROWS)]) == []


@pytest.mark.parametrize(
    "delay",
    [
        [1000.0] + [1.0] * (ROWS - 1),
        [-1.0] + [1.0] * (ROWS - 1),
        [100.0] * 8 + [1.0] * (ROWS - 8),
    ],
    ids=["far", "negative", "often"],
)
def test_values_far_out_of_the_range_are_a_warning(delay: list[float]) -> None:
    one = only(delay=delay)
    assert (one.name, one.severity) == ("delay.range", "warn")


def test_an_exact_range_holds_for_every_value() -> None:
    columns = tuple(replace(each, exact=each.name == "delay") for each in SCHEMA.columns)
    names = [each.name for each in found(Schema(columns, ROWS), delay=[97.0] + [1.0] * (ROWS - 1))]
    assert names == ["delay.range"]


def test_an_id_that_occurs_twice() -> None:
    one = only(id=[7, 7, *range(2, ROWS)][:ROWS])
    assert (one.name, one.severity) == ("id.unique", "alert")
    assert "no longer unique" in one.message


def test_a_collapse_of_the_rows() -> None:
    table = flights()
    assert [each.severity for each in anomalies(SCHEMA, make_profile(table.slice(0, 180))) if each.kind == "rows"] == [
        "warn"
    ]
    empty = anomalies(SCHEMA, make_profile(table.slice(0, 0)))
    assert [(each.name, each.severity) for each in empty] == [("rows", "alert")]
    assert empty[0].message == "it has 0 rows; about 400 were expected"
    assert anomalies(SCHEMA, make_profile(table.slice(0, 1)), "serving") == []


STRANGE: dict[str, Any] = {
    "id": [1] * ROWS,
    "carrier": [f"carrier {n}" for n in range(ROWS)],
    "delay": None,
    "departure_delay": [float(n) * 1000 for n in range(ROWS)],
    "late": [None] * 40 + ["yes"] * (ROWS - 40),
    "gate": [None] * (ROWS - 1) + ["B2"],
    "weather": range(ROWS),
}


def test_what_was_accepted_is_as_expected() -> None:
    accepted = accept(SCHEMA, profile(**STRANGE))
    assert anomalies(accepted, profile(**STRANGE)) == []
    label = accepted.column("late")
    assert label is not None
    assert label.absent == ("serving",)


@pytest.mark.parametrize("name", [each.name for each in found(**STRANGE)])
def test_accepting_one_anomaly_leaves_the_others(name: str) -> None:
    before = [each.name for each in found(**STRANGE)]
    after = [each.name for each in found(accept(SCHEMA, profile(**STRANGE), {name}), **STRANGE)]
    assert name not in after
    assert {*before} - {name} <= {*after}


def test_drift_that_is_accepted_is_not_watched() -> None:
    schema = accept(SCHEMA, profile(), {"delay.drift"})
    assert [each.name for each in schema.columns if not each.watched] == ["delay"]


def test_accepting_what_is_not_there_names_the_nearest() -> None:
    with pytest.raises(NotFoundError, match=r"no anomaly 'delay\.gnoe'; did you mean 'delay\.gone'"):
        accept(SCHEMA, profile(delay=None), {"delay.gnoe"})
    with pytest.raises(NotFoundError) as raised:
        accept(SCHEMA, profile(), {"rows"})
    assert raised.value.hint == "it has none: all is as expected"


def test_an_environment_has_one_of_two_names() -> None:
    with pytest.raises(ConfigError, match="did you mean 'serving'"):
        anomalies(SCHEMA, profile(), "servign")


def test_a_name_that_a_shell_would_read_is_quoted() -> None:
    one = only(**{"a b; rm": [1] * ROWS})
    assert one.command("flights@2") == "solvent accept flights@2 'a b; rm.new'"


COLUMNS = st.sampled_from(
    [
        [1, 2, 3, 3],
        [-5.5, None, float("nan"), float("inf")],
        ["a", "b", "a", "a"],
        ["a", None, "ü", ""],
        [None, None, None, None],
        [True, False, None, True],
        [dt.datetime(2013, 1, day) for day in (1, 2, 3, 4)],
        [dt.date(2013, 1, 1), None, dt.date(1, 1, 1), dt.date(9999, 1, 1)],
        [dt.timedelta(seconds=1)] * 4,
        [Decimal("1.50"), Decimal("-2.25"), None, Decimal("1e10")],
        [[1], [2, 3], None, []],
        [b"a", b"", None, b"\xff"],
        [10**18, -(10**18), 0, None],
    ]
)
TABLES = st.dictionaries(st.sampled_from(["a", "b", "aa", "a b", "ü"]), COLUMNS, max_size=4)


@pytest.mark.slow
@settings(max_examples=200)
@given(TABLES, TABLES, st.integers(1, 40), st.integers(0, 40), st.sampled_from(ENVIRONMENTS))
def test_whatever_is_accepted_is_as_expected(
    first: dict[str, list[Any]], second: dict[str, list[Any]], times: int, others: int, environment: str
) -> None:
    before, after = (
        make_profile(pa.table({name: pa.array(cells * count) for name, cells in table.items()}))
        for table, count in ((first, times), (second, others))
    )
    schema = infer(before)
    assert anomalies(schema, before) == []
    assert schema_from_json(schema_to_json(schema)) == schema
    accepted = accept(schema, after, environment=environment)
    assert anomalies(accepted, after, environment) == []
    assert schema_from_json(schema_to_json(accepted)) == accepted
