import random
import time
from collections.abc import Sequence
from typing import Any

import pytest

from solvent.deploy.statistics import column_statistics
from solvent.profiles.make import make_profile
from solvent.profiles.measures import stability_index
from solvent.serving.statistics import ColumnStatistics, Statistics, read_statistics, to_bytes
from solvent.serving.window import FEW, ROWS, Window

DISTANCE = ColumnStatistics("distance", ends=(10.0, 20.0, 30.0), shares=(0.25, 0.25, 0.25, 0.25), low=0.0, high=40.0)
CARRIER = ColumnStatistics("carrier", 0.1, categories=("AA", "UA"), shares=(0.6, 0.4, 0.0), complete=True)
SECRET = ColumnStatistics("ssn")
ANSWER = ColumnStatistics("value", ends=(0.5,), shares=(0.8, 0.2), low=0.0, high=1.0)


class Clock:
    """A time that a test moves on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def window(clock: Clock | None = None) -> Window:
    return Window(Statistics((DISTANCE, CARRIER, SECRET), (ANSWER,)), clock=clock or Clock())


def numbers(of: Window) -> dict[tuple[str, ...], float]:
    return {(each.name, *each.labels.values()): each.value for each in of.samples()}


def ask(of: Window, answers: Sequence[Any] = (0.1,), **columns: Sequence[Any]) -> None:
    of.add(columns, {"value": answers})


def test_requests_are_counted_by_the_bins_of_the_training_data() -> None:
    found = window()
    for row in range(FEW):
        ask(found, [0.1 if row % 5 else 0.9], distance=[row % 40 + 0.5], carrier=["AA" if row % 10 < 6 else "UA"])
    told = numbers(found)
    assert told["solvent_window_rows",] == FEW
    assert told["solvent_drift_psi", "distance"] == pytest.approx(0.0, abs=1e-3)
    assert told["solvent_drift_psi", "carrier"] == pytest.approx(0.0, abs=1e-9)
    assert told["solvent_prediction_psi", "value"] == pytest.approx(0.0, abs=1e-9)
    assert told["solvent_prediction_share", "value", "0.5"] == 0.8
    assert told["solvent_prediction_share", "value", "+Inf"] == 0.2


def test_a_column_that_moved_stands_out_and_no_other() -> None:
    found = window()
    for row in range(FEW):
        ask(found, distance=[row % 10 + 35.0], carrier=["AA" if row % 10 < 6 else "UA"])
    told = numbers(found)
    shares = [0.0, 0.0, 0.0, 1.0]
    assert told["solvent_drift_psi", "distance"] == pytest.approx(stability_index(DISTANCE.shares, shares))
    assert told["solvent_outside_share", "distance"] == pytest.approx(0.4)
    assert told["solvent_drift_psi", "carrier"] < 0.01


def test_what_is_missing_and_categories_that_training_has_not_are_shares() -> None:
    found = window()
    ask(found, distance=[1.0, None, float("nan"), 2.0], carrier=["AA", "ZZ", None, "UA"], ssn=["1", None, "3", "4"])
    told = numbers(found)
    assert told["solvent_missing_share", "distance"] == 0.5
    assert told["solvent_missing_share", "carrier"] == 0.25
    assert told["solvent_unseen_share", "carrier"] == 0.25
    assert told["solvent_missing_share", "ssn"] == 0.25
    assert ("solvent_unseen_share", "distance") not in told
    assert ("solvent_drift_psi", "ssn") not in told


@pytest.mark.parametrize("rows", [0, 1, FEW - 1])
def test_few_rows_tell_no_index(rows: int) -> None:
    found = window()
    for _ in range(rows):
        ask(found, distance=[39.0])
    told = numbers(found)
    assert told["solvent_window_rows",] == rows
    assert not [name for name in told if name[0].endswith("_psi")]


def test_the_window_moves_on() -> None:
    clock = Clock()
    found = window(clock)
    for hour in range(3):
        for _ in range(60):
            ask(found, distance=[1.0])
            clock.now += 60
        assert 50 <= numbers(found)["solvent_window_rows",] <= 60, hour
    clock.now += 3600 * 50
    assert numbers(found)["solvent_window_rows",] == 0


def test_no_more_rows_are_counted_than_a_tenth_of_a_second_has_room_for() -> None:
    clock = Clock()
    found = window(clock)
    wanted = 0
    for _ in range(100):
        if found.wants():
            wanted += 1
            ask(found, distance=[1.0])
    assert wanted == ROWS
    clock.now += 0.1
    assert found.wants()
    found.add({"distance": [1.0] * 1_000_000}, {})
    assert not found.wants()
    assert numbers(found)["solvent_window_rows",] == 2 * ROWS


def test_statistics_come_back_as_they_were_written() -> None:
    given = Statistics((DISTANCE, CARRIER), (ANSWER,), sensitive=("ssn",))
    assert read_statistics(to_bytes(given)) == given


def test_the_bins_are_those_of_the_profile_of_the_training_data() -> None:
    pandas = pytest.importorskip("pandas")
    draw = random.Random(7)
    table = pandas.DataFrame(
        {
            "number": [draw.gauss(0, 1) for _ in range(2000)],
            "few": [draw.choice([0, 0, 0, 1, 5]) for _ in range(2000)],
            "word": [draw.choice(["a", "b", None]) for _ in range(2000)],
            "flag": [draw.random() < 0.3 for _ in range(2000)],
            "ssn": [f"{number:08}" for number in range(2000)],
        }
    )
    profile = make_profile(table, sensitive=["ssn*"])
    made = {each.name: column_statistics(each) for each in profile.columns}
    assert len(made["number"].ends) == 9
    assert made["number"].shares == pytest.approx([0.1] * 10, abs=0.002)
    assert made["few"].ends == (0.0, 1.0, 5.0)
    assert made["word"].categories in (("a", "b"), ("b", "a"))
    assert made["word"].missing == pytest.approx(1 / 3, abs=0.05)
    assert set(made["flag"].categories) == {"true", "false"}
    assert made["ssn"] == ColumnStatistics("ssn")
    found = Window(Statistics(tuple(made.values()), ()))
    for row in table.to_dict("records"):
        found.add({name: [value] for name, value in row.items()}, {})
    told = {(each.name, *each.labels.values()): each.value for each in found.samples()}
    for name in ("number", "few", "word", "flag"):
        assert told["solvent_drift_psi", name] == pytest.approx(0.0, abs=1e-4), name


@pytest.mark.slow
def test_counting_a_request_of_thirty_columns_takes_microseconds() -> None:
    names = [f"x{at}" for at in range(30)]
    found = Window(Statistics(tuple(DISTANCE._replace(name=name) for name in names), (ANSWER,)))
    columns, answer = {name: [12.5] for name in names}, {"value": [0.3]}
    began = time.process_time()
    for _ in range(2000):
        found.add(columns, answer)
    assert (time.process_time() - began) / 2000 < 100e-6
