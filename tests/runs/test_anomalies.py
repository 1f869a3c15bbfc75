"""After a run, what its dataset versions are like is told once: where they are not as expected, and where they drifted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import solvent
from solvent import pipeline, step
from solvent.cli.main import main
from solvent.config.project import Project
from solvent.metadata.profiles import list_findings
from solvent.model import Finding
from solvent.runs.anomalies import TOLD, find_schema
from solvent.runs.stores import Stores

ROWS = 1200


def made(month: int) -> pa.Table:
    """January and March are alike; in February an airline is new and delays are short; April has other columns."""
    rng = np.random.default_rng(month)
    carrier = rng.choice(["AA", "UA", "WN"], ROWS)
    delay = rng.uniform(0, 60, ROWS)
    if month == 2:
        carrier[:50] = "HA"
        delay = delay**2 / 61 + 0.1
    if month == 4:
        return pa.table({f"column_{n}": delay for n in range(30)})
    return pa.table({"carrier": carrier, "delay": delay})


@step(dataset="flights")
def fetch(month: int) -> pa.Table:
    return made(month)


@pipeline
def monthly(months: list[int]) -> None:
    for month in months:
        fetch(month)


@step(dataset="numbers")
def count_up(count: int) -> list[int]:
    return list(range(count))


@pipeline
def counted(count: int) -> list[int]:
    return count_up(count)


@pytest.fixture
def stores(project: Path) -> Iterator[Stores]:
    with Stores(Project.find()) as found:
        yield found


def told(stores: Stores, *months: int) -> list[Finding]:
    run = solvent.run(monthly, months=list(months), engine="inline")
    return list_findings(stores.metadata, run.id)


def names(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(each.kind, each.severity, each.subject) for each in findings]


def test_a_first_version_and_one_like_it_make_no_noise(stores: Stores) -> None:
    assert told(stores, 1) == []
    assert told(stores, 3) == []


def test_what_is_not_as_in_the_first_version_is_told_with_the_line_that_accepts_it(stores: Stores) -> None:
    told(stores, 1)
    found = told(stores, 2)
    assert names(found) == [("anomaly", "alert", "flights@2"), ("drift", "alert", "flights@2")]
    assert found[0].message == "carrier has a new value: 'HA' (4.2 %)"
    assert found[0].fix == "solvent accept flights@2 carrier.domain"
    assert json.loads(found[0].detail)["proposal"] == "add it to the domain"
    assert found[1].message.startswith("drift from flights@1: delay: ")
    assert found[1].fix == "solvent data diff flights@1 flights@2"


def test_the_version_that_is_current_already_makes_no_noise(stores: Stores) -> None:
    told(stores, 1)
    told(stores, 2)
    assert told(stores, 2) == []


@pytest.mark.slow
def test_a_return_to_an_earlier_version_is_compared_with_the_one_before(stores: Stores) -> None:
    told(stores, 1)
    told(stores, 2)
    assert names(told(stores, 1)) == [("drift", "alert", "flights@1")]


@pytest.mark.slow
def test_several_versions_of_one_run_are_compared_one_after_the_other(stores: Stores) -> None:
    found = told(stores, 1, 2, 3)
    assert [each.subject for each in found if each.kind == "drift"] == ["flights@2", "flights@3"]


@pytest.mark.slow
def test_what_was_accepted_is_told_no_more(stores: Stores, capsys: pytest.CaptureFixture[str]) -> None:
    told(stores, 1)
    told(stores, 2)
    assert main(["accept", "flights@2"]) == 0
    told(stores, 3)
    assert [each.kind for each in told(stores, 2)] == ["drift"]


@pytest.mark.slow
def test_drift_of_a_column_that_is_not_watched_is_not_told(stores: Stores) -> None:
    told(stores, 1)
    assert main(["accept", "flights@1", "delay.drift"]) == 0
    assert [each.kind for each in told(stores, 2)] == ["anomaly"]


@step(dataset="parts")
def fetch_part(month: int, late: bool) -> pa.Table:
    return pa.table({"month": [month] * ROWS, "delay": [float(n + 900 * late) for n in range(ROWS)]})


@pipeline
def parted(month: int, late: bool) -> None:
    fetch_part(month, late)


@pytest.mark.slow
def test_a_column_that_always_drifts_can_be_left_out_with_one_line(stores: Stores) -> None:
    found = []
    for month, late in ((1, False), (2, False), (3, True)):
        run = solvent.run(parted, month=month, late=late, engine="inline")
        found.append([(each.message, each.fix) for each in list_findings(stores.metadata, run.id)])
    assert found[0] == []
    assert found[1] == [("drift from parts@1: month: 1 -> 2", "solvent accept parts@2 month.drift")]
    assert found[2][-1][1] == "solvent data diff parts@2 parts@3"


def test_statistics_that_can_not_be_compared_fail_no_run(stores: Stores) -> None:
    told(stores, 1)
    with stores.metadata.transaction():
        stores.metadata.execute('UPDATE profiles SET record = \'{"rows": "many"}\'')
    (one,) = told(stores, 2)
    assert one.message.startswith("its statistics could not be compared: ")


@pytest.mark.slow
def test_very_many_anomalies_are_told_in_few_lines(stores: Stores) -> None:
    told(stores, 1)
    found = told(stores, 4)
    assert len(found) == TOLD
    assert "25 more: " in found[-1].message
    assert found[-1].fix == "solvent schema flights@2"


@pytest.mark.slow
def test_a_dataset_that_is_no_table_is_left_alone(stores: Stores) -> None:
    for count in (3, 4):
        run = solvent.run(counted, count=count, engine="inline")
        assert list_findings(stores.metadata, run.id) == []
    assert find_schema(stores, stores.project_name, "numbers") is None


def test_a_run_tells_what_it_found(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "told_of_tests.py").write_text(
        "import pyarrow as pa\nfrom solvent import pipeline, step\n\n\n"
        '@step(dataset="flights")\ndef fetch(name: str) -> pa.Table:\n    return pa.table({name: [1, 2, 3]})\n\n\n'
        "@pipeline\ndef main(name: str = 'a') -> None:\n    fetch(name)\n"
    )
    for name in ("a", "zzz"):
        assert main(["run", "told_of_tests.py", "--engine", "inline", "--set", f"name={name}"]) == 0
    shown: Any = capsys.readouterr()
    text = " ".join((shown.out + shown.err).split())
    assert "alert: flights@2: the column a is gone; solvent accept flights@2 a.gone" in text
