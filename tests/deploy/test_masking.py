"""What a verification keeps tells no values of sensitive columns."""

from solvent.deploy.masking import mask_check, mask_replay, sensitive_columns
from solvent.serving.schema import Column, Schema
from solvent.serving.verification import Cell, OddRow, Replay, StepCheck

SCHEMA = Schema("m:T", (Column("age", "float64", "number", sensitive=True), Column("fare", "float64", "number")))
ROW = OddRow(
    3, (Cell("age", "41.5", "missing"), Cell("rows.age", "41.5", "1"), Cell("fare", "2", "3")), {"age": "41.5"}
)


def test_values_of_sensitive_columns_are_masked_in_rows_and_in_words() -> None:
    names = sensitive_columns(SCHEMA)
    assert names == {"age"}
    problem = "answers row 3 alone otherwise than among 64 rows: age is missing instead of 41.5"
    check = StepCheck("fill", "m:fill", (), 64, 0.1, problem, "one row alone", rows=(ROW,))
    replay = Replay(1, 1, 64, 1e-9, 1.0, 1, 0, 0, (), (ROW,), 0.1)
    for found in (repr(mask_check(check, names)), repr(mask_replay(replay, names))):
        assert "41.5" not in found
        assert "Cell(column='fare', expected='2', found='3')" in found
    assert mask_check(check, names).problem == "answers row 3 alone otherwise than among 64 rows: age differs"


def test_without_sensitive_columns_all_is_shown() -> None:
    check = StepCheck("fill", "m:fill", (), 64, 0.1, rows=(ROW,))
    assert mask_check(check, ()) is check
