"""Planted skews: each is caught by replay over HTTP, and the untouched bundle answers as its run recorded."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from solvent.deploy.checking import answer_body
from solvent.deploy.replay import Recorded as RecordedRows
from solvent.deploy.replay import _Replaying, decade, recorded_rows, replay, replay_offline
from solvent.deploy.served import Served
from solvent.deploy.verify import recorded_sample
from solvent.errors import BundleError
from solvent.serving.folder import open_bundle
from solvent.serving.verification import Replay, replay_words
from tests.deploy.recorded import Altered, Recorded, recorded_beside
from tests.serving.servers import make_bundle

TABLE = 'table.drop(columns="target", errors="ignore").to_numpy()'


@pytest.fixture(scope="module")
def cancer_rows(cancer: Path) -> Recorded:
    return recorded_beside(cancer)


@pytest.fixture(scope="module")
def ports_rows(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return recorded_beside(make_bundle(tmp_path_factory.mktemp("ports"), "ports.py", "ports"))


def replayed(folder: str, recorded: Recorded) -> Replay:
    manifest = open_bundle(folder).manifest
    request, response = recorded_sample(recorded.request, recorded.response, manifest.request)
    rows = recorded_rows(request, response, manifest)
    try:
        with Served(folder) as server:
            return replay(server.port, rows, (0, 1), manifest.tolerance, singles=20)
    except BundleError as error:
        return replay_offline(partial(answer_body, folder), rows, manifest.tolerance, error.problem)


def swapped(bundle: Altered) -> None:
    columns = bundle.tree["request"]["columns"]
    columns[0], columns[3] = columns[3], columns[0]


def refitted(bundle: Altered) -> None:
    def on_other_data(value: Any) -> Any:
        from sklearn.preprocessing import StandardScaler

        if not isinstance(value, StandardScaler):
            return value
        return StandardScaler().fit(value.mean_ + value.scale_ * [[-1.1], [0.2], [1.0]])

    bundle.frozen(on_other_data)


def single_precision(bundle: Altered) -> None:
    for each in bundle.tree["request"]["columns"]:
        each["type"] = "float32"


def rounded(bundle: Altered) -> None:
    bundle.code(TABLE, f"{TABLE}.round(4)")


def other_unit(bundle: Altered) -> None:
    bundle.code("table.drop(", 'table.assign(**{"mean radius": table["mean radius"] * 10}).drop(')


def unscaled(bundle: Altered) -> None:
    bundle.code(f"scaler.transform({TABLE})", TABLE)


SKEWS: dict[str, tuple[Callable[[Altered], None], float, bool]] = {
    "two columns swapped": (swapped, 1e-2, True),
    "scaler refitted on other data": (refitted, 1e-2, True),
    "float32 on the wire": (single_precision, 1e-9, False),
    "rounded to 4 decimals": (rounded, 1e-6, False),
    "unit error in a column": (other_unit, 1e-2, True),
    "forgotten scaler": (unscaled, 1e-2, True),
}


@pytest.mark.slow
def test_the_untouched_bundle_answers_as_its_run_recorded(cancer: Path, cancer_rows: Recorded) -> None:
    found = replayed(str(cancer), cancer_rows)
    assert found.ok
    assert found.largest <= 1e-9
    assert (found.flips, found.batch_rows, found.worst) == (0, 169, ())
    assert sum(count for _, count in found.histogram) == 169 + 20
    print(f"untouched: {found.largest:.1e}, {found.exact_share:.0%} equal to the last bit")


@pytest.mark.slow
@pytest.mark.parametrize("name", SKEWS)
def test_a_planted_skew_is_caught(name: str, cancer: Path, cancer_rows: Recorded, tmp_path: Path) -> None:
    plant, least, flips = SKEWS[name]
    bundle = Altered(cancer, tmp_path)
    plant(bundle)
    found = replayed(bundle.sign(), cancer_rows)
    assert not found.ok
    assert found.largest >= least
    assert (found.flips > 0) == flips
    worst = found.worst[0]
    assert worst.difference == pytest.approx(found.largest)
    assert worst.request["mean radius"]
    assert worst.cells[0].expected != worst.cells[0].found
    print(f"{name}: {replay_words(found)}")


@pytest.mark.slow
def test_an_endpoint_that_does_not_start_is_told_with_the_rows(
    cancer: Path, cancer_rows: Recorded, tmp_path: Path
) -> None:
    bundle = Altered(cancer, tmp_path, examples=True)
    rounded(bundle)
    found = replayed(bundle.sign(), cancer_rows)
    assert found.problem.startswith("the endpoint does not start: the bundle does not answer as its run did")
    assert found.different_rows > 0
    assert found.worst


@pytest.mark.slow
def test_another_version_of_a_library_is_refused_by_its_name(ports_rows: Recorded, tmp_path: Path) -> None:
    bundle = Altered(ports_rows.folder, tmp_path, examples=True)
    bundle.tree["packages"]["pandas"] = "1.0.2"
    found = replayed(bundle.sign(), ports_rows)
    assert not found.ok
    assert "pandas" in found.problem
    assert "expected 1.0.2" in found.problem


@pytest.mark.slow
def test_a_category_that_the_bundle_lacks_is_caught(ports_rows: Recorded, tmp_path: Path) -> None:
    assert replayed(str(ports_rows.folder), ports_rows).largest == 0
    bundle = Altered(ports_rows.folder, tmp_path)
    bundle.frozen(
        lambda value: {name: each for name, each in value.items() if name != "Queenstown"} if "fare" in value else value
    )
    found = replayed(bundle.sign(), ports_rows)
    assert not found.ok
    assert {each.request["port"] for each in found.worst} == {"Queenstown"}
    print(f"missing category: {replay_words(found)}")


def rows_of(**response: list[Any]) -> _Replaying:
    count = len(next(iter(response.values())))
    return _Replaying(RecordedRows({"x": list(range(count))}, response, count), 1e-9)


class Answers:
    """Gives the next of some answers."""

    def __init__(self, *answers: dict[str, list[Any]]) -> None:
        self._answers = list(answers)

    def ask(self, columns: Any) -> dict[str, list[Any]]:
        return self._answers.pop(0)


def told(check: _Replaying, **answer: list[Any]) -> Replay:
    asker: Any = Answers(answer)
    rows = len(next(iter(answer.values())))
    check.try_rows(asker, list(range(rows)))
    return check.record(0, rows, 0.0)


def test_a_flip_is_another_side_of_a_half_another_largest_class_or_another_label() -> None:
    assert told(rows_of(p=[0.4999, 0.2]), p=[0.5001, 0.3]).flips == 1
    assert told(rows_of(a=[0.5, 0.2], b=[0.3, 0.7], c=[0.2, 0.1]), a=[0.3, 0.1], b=[0.5, 0.8], c=[0.2, 0.1]).flips == 1
    assert told(rows_of(label=["late", "late"]), label=["late", "on time"]).flips == 1
    assert told(rows_of(value=[12.0, 900.0]), value=[13.0, 1.0]).flips == 0


def test_whole_numbers_texts_and_missing_values_are_compared_exactly() -> None:
    assert told(rows_of(n=[1, 2**60], t=["a", None]), n=[1, 2**60], t=["a", None]).ok
    assert told(rows_of(n=[1, 2**60]), n=[1, 2**60 + 1]).different_rows == 1
    assert told(rows_of(t=["a", None]), t=["a", "None"]).different_rows == 1
    found = told(rows_of(x=[1.0, float("nan")]), x=[1.0, None])
    assert found.ok


def test_an_answer_without_a_column_is_a_problem_of_its_own() -> None:
    assert told(rows_of(a=[1.0], b=[2.0]), a=[1.0]).problem == "an answer lacks the columns b"


def test_differences_are_counted_by_their_power_of_ten() -> None:
    assert [decade(each) for each in (0, 2e-16, 3e-300, 0.02, 5.0, 1e9, float("inf"))] == [
        *("0", "1e-16", "1e-17", "1e-2", "1e0", "1e1", "other")
    ]
