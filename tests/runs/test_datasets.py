"""Named datasets: what is a version, which is current, and how people ask for one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import polars as pl
import pytest

import solvent
from solvent import pipeline, step, value
from solvent.config.project import Project
from solvent.errors import AuthoringError, NotFoundError, RunInterrupted, StepFailed
from solvent.runs.datasets import find_dataset, find_version, list_datasets
from solvent.runs.stores import Stores
from solvent.runs.target import load_pipeline


@step(dataset="numbers")
def count_up(count: int) -> list[int]:
    return list(range(count))


class Parts(NamedTuple):
    even: list[int]
    odd: list[int]


@step(dataset={"odd": "odds"})
def part(numbers: list[int]) -> Parts:
    return Parts([n for n in numbers if n % 2 == 0], [n for n in numbers if n % 2])


@step
def total(numbers: list[int]) -> int:
    return sum(numbers)


@step
def explode(numbers: list[int]) -> int:
    raise ValueError(numbers)


@pipeline
def counted(count: int) -> int:
    return total(part(count_up(count)).odd)


@pipeline
def failing(count: int) -> int:
    return explode(count_up(count))


@pipeline
def several(first: int, second: int) -> int:
    a = count_up(first)
    return value(total(a)) + value(total(count_up(second)))


@pytest.fixture
def stores(project: Path) -> Iterator[Stores]:
    with Stores(Project.find()) as opened:
        yield opened


def run_all(*counts: int) -> None:
    for count in counts:
        solvent.run(counted, count=count)


def test_equal_content_is_one_version_and_a_new_use(stores: Stores) -> None:
    run_all(3, 4, 3)
    numbers = find_dataset("numbers", stores)
    assert [each.number for each in numbers] == [1, 2]
    assert [len(each.uses) for each in numbers] == [2, 1]
    assert [use.number for use in numbers.history] == [1, 2, 1]


def test_a_return_to_earlier_content_makes_that_version_current(stores: Stores) -> None:
    run_all(3, 4, 3)
    assert find_version("numbers", stores).number == 1
    assert [each.current for each in find_dataset("numbers", stores)] == [True, False]
    assert [find_version(f"numbers@latest~{back}", stores).number for back in (0, 1, 2)] == [1, 2, 1]
    with pytest.raises(NotFoundError, match="goes too far back"):
        find_version("numbers@latest~3", stores)


def test_a_version_is_found_by_number_and_by_the_beginning_of_its_digest(stores: Stores) -> None:
    run_all(3, 4)
    second = find_version("numbers@2", stores)
    assert second.value() == [0, 1, 2, 3]
    assert find_version(f"numbers@{second.digest[:6]}", stores).number == 2
    assert solvent.load("numbers@1") == [0, 1, 2]
    assert solvent.load("numbers") == solvent.load("numbers@latest") == [0, 1, 2, 3]
    assert solvent.load(second.digest[:10]) == [0, 1, 2, 3]


WRONG = (
    ("numbers@9", r"no numbers@9\n  try: its versions are numbers@1 to numbers@2"),
    ("numbers@x", "expected a number, latest"),
    ("numbers@0000", "no version of numbers has a digest"),
    ("nubmers@1", "no dataset 'nubmers'; did you mean 'numbers'"),
    ("nubmers", "no dataset or artifact 'nubmers'; did you mean 'numbers'"),
    ("other/numbers@1", "no dataset 'other/numbers'"),
    ("numbers@" + "9" * 30, "no version of numbers has a digest"),
)


def test_what_is_no_version_is_told_what_there_is(stores: Stores) -> None:
    run_all(3, 4)
    for reference, problem in WRONG:
        with pytest.raises(NotFoundError, match=problem):
            solvent.load(reference)


@pytest.mark.slow
def test_without_any_dataset_the_way_to_one_is_told(stores: Stores) -> None:
    with pytest.raises(NotFoundError, match=r"no step has named one yet\n  try: .*@step\(dataset=\"flights\"\)"):
        find_version("flights@1", stores)


@pytest.mark.slow
def test_a_field_may_be_the_one_that_is_named(stores: Stores) -> None:
    run_all(5)
    assert solvent.load("odds@1") == [1, 3]
    assert [each.name for each in list_datasets(stores)] == ["numbers", "odds"]


def test_a_version_knows_who_made_it_and_what_took_it(stores: Stores) -> None:
    first = solvent.run(counted, count=4)
    again = solvent.run(counted, count=4)
    found = find_version("numbers@1", stores)
    assert found.made_by is not None
    assert found.run is not None
    assert (found.made_by.name, found.run.id, found.user) == ("count_up", first.id, first.record.user)
    assert found.consumers.runs == tuple(sorted((first.id, again.id), reverse=True))
    assert found.consumers.models == ()


@pytest.mark.slow
def test_versions_are_looked_at_from_python(stores: Stores) -> None:
    run_all(3, 4)
    numbers = solvent.dataset("numbers")
    assert [numbers[which].number for which in (1, "latest", "2", "latest~1")] == [1, 2, 2, 1]
    assert repr(numbers) == "<dataset numbers: 2 versions>"
    assert not solvent.diff(numbers[1], numbers[2]).same
    with pytest.raises(AuthoringError, match="two of one kind"):
        solvent.diff(numbers[1], solvent.runs(counted)[0])
    numbers[1].note("the first")
    assert find_version("numbers@1", stores).notes == ["the first"]


@pytest.mark.slow
def test_a_failed_run_leaves_the_version_that_its_step_gave(stores: Stores) -> None:
    run_all(3)
    with pytest.raises(StepFailed):
        solvent.run(failing, count=6)
    assert find_version("numbers", stores).number == 2


@pytest.mark.slow
def test_of_one_run_the_last_call_gives_the_current_version(stores: Stores) -> None:
    solvent.run(several, first=3, second=4)
    solvent.run(several, first=4, second=3)
    assert find_version("numbers", stores).value() == [0, 1, 2]
    assert find_version("numbers@latest~1", stores).value() == [0, 1, 2, 3]


@pytest.mark.slow
def test_a_use_comes_after_all_others_also_when_the_clock_was_set_back(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_all(3)
    monkeypatch.setattr("solvent.metadata.datasets.time.time", lambda: 1000.0)
    run_all(4)
    assert find_version("numbers", stores).number == 2


@step(dataset="fresh", cache=False)
def read_fresh(count: int) -> list[int]:
    return [count]


@step
def interrupted(numbers: list[int]) -> int:
    if os.environ.get("STOP_OF_TESTS"):
        raise KeyboardInterrupt
    return len(numbers)


@pipeline
def resumed(count: int) -> int:
    return interrupted(read_fresh(count))


@pytest.mark.slow
def test_a_run_that_goes_on_registers_the_uses_of_what_it_adopts(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    solvent.run(resumed, count=8)
    monkeypatch.setenv("STOP_OF_TESTS", "1")
    with pytest.raises(RunInterrupted):
        solvent.run(resumed, count=9)
    assert find_version("fresh", stores).number == 2
    monkeypatch.delenv("STOP_OF_TESTS")
    solvent.run(resumed, count=8)
    goes_on = solvent.run(resumed, count=9)
    assert goes_on["read_fresh"][0].status == "reused"
    fresh = find_dataset("fresh", stores)
    assert [use.number for use in fresh.history] == [2, 1, 2, 1]
    assert fresh.history[0].run_id == goes_on.id


@step
def fit(numbers: list[int], power: int) -> Any:
    from sklearn.linear_model import LinearRegression  # heavy, and only this test needs it

    return LinearRegression().fit([[n] for n in numbers], [n**power for n in numbers])


@step
def predict(model: Any, numbers: list[int]) -> list[float]:
    return [float(n) for n in model.predict([[n] for n in numbers])]


@step
def keep(models: list[Any]) -> dict[str, Any]:
    return {"best": models[0]}


@pipeline
def fitted(count: int) -> list[float]:
    numbers = count_up(count)
    models = [fit(numbers, power) for power in (1, 2)]
    keep(models)
    return predict(models[0], numbers)


@pytest.mark.slow
def test_a_version_knows_the_models_that_were_fitted_on_it(stores: Stores) -> None:
    run_all(5)
    run = solvent.run(fitted, count=5)
    models = find_version("numbers", stores).consumers.models
    assert sorted((each.step, each.run_id) for each in models) == [("fit", run.id), ("fit", run.id), ("keep", run.id)]
    assert {each.type.rpartition(":")[2] for each in models} == {"LinearRegression", "dict"}
    run_all(6)
    assert find_version("numbers", stores).consumers.models == ()


NAMELESS = """
from solvent import pipeline, step

@step
def one() -> list[int]:
    return [1]

@pipeline
def main() -> list[int]:
    return one()
"""


@pytest.mark.slow
def test_a_step_that_gets_a_name_is_reused_and_gives_a_version(stores: Stores, project: Path) -> None:
    for text, name in (
        (NAMELESS, "nameless_of_tests"),
        (NAMELESS.replace("@step", '@step(dataset="ones")'), "named_of_tests"),
    ):
        (project / f"{name}.py").write_text(text)
        ended = solvent.run(load_pipeline(f"{name}.py"))
    assert ended["one"][0].status == "reused"
    ones = solvent.dataset("ones")
    assert (ones.latest.value(), ones.history[0].run_id) == ([1], ended.id)


@step(dataset="tables")
def as_pandas(count: int) -> pd.DataFrame:
    return pd.DataFrame({"x": range(count)})


@step(dataset="tables")
def as_polars(count: int) -> pl.DataFrame:
    return pl.DataFrame({"x": range(count)})


@pipeline
def both(count: int) -> int:
    return value(as_pandas(count)).shape[0] + value(as_polars(count)).shape[0]


@pytest.mark.slow
def test_equal_content_is_one_version_whichever_library_holds_it(stores: Stores) -> None:
    solvent.run(both, count=3)
    tables = find_dataset("tables", stores)
    assert [use.type.partition(":")[0] for use in tables.history] == ["polars", "pandas"]
    assert type(tables.latest.value()).__module__.startswith("polars")
    assert tables.latest.profile is not None
    assert tables.latest.profile.rows == 3


@pytest.mark.slow
def test_worker_processes_give_the_same_versions(stores: Stores, project: Path) -> None:
    (project / "work_of_tests.py").write_text(WORK)
    module = load_pipeline("work_of_tests.py")
    solvent.run(module, engine="processes", workers=2)
    assert sorted(solvent.load(f"numbers@{at}") for at in (1, 2, 3)) == [[0], [1], [2]]
    assert solvent.load("numbers") == [2]
    solvent.run(module, engine="inline")
    assert [len(each.uses) for each in find_dataset("numbers", stores)] == [2, 2, 2]


WORK = """
from solvent import pipeline, step

@step(dataset="numbers")
def one(n: int) -> list[int]:
    return [n]

@pipeline
def main() -> list[list[int]]:
    return [one(n) for n in range(3)]
"""


@pytest.mark.slow
def test_runs_at_once_on_a_shared_store_lose_no_version(
    project: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "work_of_tests.py").write_text(WORK.replace("range(3)", "range(40)"))
    monkeypatch.setenv("SOLVENT_METADATA", postgres_url)
    command = [sys.executable, "-m", "solvent", "run", "work_of_tests.py", "--engine", "inline", "--no-cache"]
    running = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(3)]
    assert [(each.communicate()[1], each.returncode)[1] for each in running] == [0, 0, 0]
    with Stores(Project.find()) as shared:
        numbers = find_dataset("numbers", shared)
        assert [each.number for each in numbers] == list(range(1, 41))
        assert len({each.digest for each in numbers}) == 40
        assert len(numbers.history) == 120


@pytest.mark.slow
def test_only_another_project_has_it(stores: Stores, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "solvent.toml").write_text('project = "theirs"')
    run_all(3)
    (project / "solvent.toml").write_text('project = "ours"')
    with Stores(Project.find()) as ours:
        assert find_version("numbers@1", ours).project == "theirs"
        assert "this is that of project 'theirs'" in capsys.readouterr().err
        assert find_version("theirs/numbers@1", ours).value() == [0, 1, 2]
        assert capsys.readouterr().err == ""
        run_all(9)
        assert find_version("numbers@1", ours).value() == list(range(9))
        assert [each.subject for each in list_datasets(ours)] == [
            "ours/numbers",
            "ours/odds",
            "theirs/numbers",
            "theirs/odds",
        ]


def _unfit(**options: Any) -> str:
    with pytest.raises(AuthoringError) as caught:

        @step(**options)
        def parted(numbers: list[int]) -> Parts:
            return Parts(numbers, numbers)

    assert "test_datasets.py:" in str(caught.value)
    return str(caught.value)


def test_names_of_outputs_are_checked_where_the_step_is_written() -> None:
    assert "no output 'evn'; did you mean 'even'" in _unfit(dataset={"evn": "numbers"})
    assert "has the outputs even, odd" in _unfit(dataset="numbers")
    assert "which begin with a letter" in _unfit(dataset="a/b")
    assert "another name for each field" in _unfit(dataset={"even": "a", "odd": "a"})
    assert "a name, or a mapping" in _unfit(dataset=3)


@pytest.mark.slow
def test_a_field_is_checked_at_the_first_call_where_the_annotation_could_not_be_read(stores: Stores) -> None:
    @step(dataset={"even": "numbers"})
    def parted(numbers: list[int]):  # type: ignore[no-untyped-def]
        return Parts(numbers, numbers)

    @pipeline
    def broken() -> Any:
        return parted([1])

    with pytest.raises(AuthoringError, match="no fields are declared"):
        solvent.run(broken)
    assert parted([1]).even == [1]
