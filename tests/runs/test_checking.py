"""Checks in runs: they stop or warn, are on record either way, and are part of the key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import solvent
from solvent import pipeline, step
from solvent.checks import between, matches, passes, row_count
from solvent.cli.main import main
from solvent.config.project import Project
from solvent.errors import AuthoringError, CheckFailed, StepFailed
from solvent.metadata.profiles import list_findings
from solvent.runs.stores import Stores

CODES = "codes.txt"


class Parts(NamedTuple):
    train: list[int]
    test: list[int]


def read_codes(output: list[int]) -> bool:
    return len(output) < int(Path(CODES).read_text())


def stumble(output: Any) -> bool:
    return bool(1 / 0)


def enlarge(output: list[int]) -> None:
    output.append(1)


@step(
    checks=[row_count(at_least=2, at_most=5), passes(lambda output: "too round" if len(output) == 4 else "", warn=True)]
)
def count_up(count: int) -> list[int]:
    return list(range(count))


@step(retries=3, checks=[row_count(at_least=2, at_most=5), passes(lambda output: 7 not in output, name="no seven")])
def count_again(count: int) -> list[int]:
    return list(range(count))


@step(checks={"test": [row_count(at_least=1)], "output": [lambda parts: not set(parts.train) & set(parts.test)]})
def part(numbers: list[int]) -> Parts:
    return Parts(numbers[:2], numbers[2:])


@step
def total(numbers: list[int]) -> int:
    return sum(numbers)


@step(checks=[stumble])
def unsure(count: int) -> int:
    return count


@step(checks=[read_codes])
def coded(count: int) -> list[int]:
    return list(range(count))


@step(checks=[row_count(at_least=1), enlarge])
def enlarged(count: int) -> list[int]:
    return list(range(count))


@step(checks={"test": [passes(lambda numbers: numbers.append(1), name="append")]})
def part_enlarged(count: int) -> Parts:
    return Parts([1], [2])


@step(checks=[between("pin", 0, 1), matches("name", "[a-z]+")])
def people(count: int) -> Any:
    import pyarrow as pa

    return pa.table({"pin": [9_417] * count, "name": ["Ada"] * count})


@pipeline
def counted(count: int) -> int:
    return total(count_up(count))


@pipeline
def counted_again(count: int) -> int:
    return total(count_again(count))


@pipeline
def parted(count: int) -> int:
    return total(part(count_up(count)).train)


@pipeline
def doubtful(count: int) -> int:
    return unsure(count)


@pipeline
def looked_up(count: int) -> int:
    return total(coded(count))


@pipeline
def grown(count: int) -> int:
    return total(enlarged(count))


@pipeline
def grown_in_part(count: int) -> int:
    return total(part_enlarged(count).test)


@pipeline
def listed(count: int) -> Any:
    return people(count)


pytestmark = pytest.mark.usefixtures("project")


def findings(run: Any) -> list[tuple[str, ...]]:
    with Stores(Project.find()) as stores:
        return [each[:4] for each in list_findings(stores.metadata, run.id)]


@pytest.mark.parametrize("engine", ["inline", pytest.param("processes", marks=pytest.mark.slow)])
def test_a_failed_check_stops_the_step_at_once_and_every_check_is_on_record(engine: str) -> None:
    with pytest.raises(StepFailed, match="2 checks failed") as caught:
        solvent.run(counted_again, count=9, engine=engine)
    assert caught.value.failure.kind == "CheckFailed"
    assert caught.value.exit_code == 1
    assert caught.value.failure.message == (
        "2 checks failed\n  row_count(at_least=2, at_most=5): it has 9 rows, 4 too many\n  no seven: it gave False"
    )
    run = solvent.runs()[0]
    found = run["count_again"]
    assert found.status == "failed"
    assert found.artifacts == {}
    assert [(each.name, each.status) for each in found.checks] == [
        ("row_count(at_least=2, at_most=5)", "failed"),
        ("no seven", "failed"),
    ]
    assert found.attempt == 1, "what was computed is known to be wrong: trying again is no use"
    assert run["total"].status in ("skipped", "cancelled")
    if engine == "inline":
        assert isinstance(caught.value.__cause__, CheckFailed)


def test_a_check_that_warns_is_told_in_each_run_that_uses_the_output() -> None:
    for status in ("done", "reused"):
        run = solvent.run(counted, count=4)
        assert run["count_up"].status == status
        assert [each.status for each in run["count_up"].checks] == ["passed", "warned"]
        assert findings(run) == [("check", "warn", "count_up", "lambda: too round")]
    assert findings(solvent.run(counted, count=3)) == []


def test_checks_are_of_the_fields_that_they_are_given_for() -> None:
    run = solvent.run(parted, count=3)
    assert [(each.field, each.name, each.status) for each in run["part"].checks] == [
        ("test", "row_count(at_least=1)", "passed"),
        ("output", "lambda", "passed"),
    ]
    with pytest.raises(StepFailed, match=r"CheckFailed: test: row_count\(at_least=1\): it has 0 rows, 1 too few"):
        solvent.run(parted, count=2)


def test_a_check_that_raises_stops_with_its_name_and_its_line() -> None:
    with pytest.raises(StepFailed, match="stumble: it raised ZeroDivisionError: division by zero") as caught:
        solvent.run(doubtful, count=2)
    assert "1 / 0" in caught.value.failure.traceback
    assert "checking.py" not in caught.value.failure.traceback.replace("test_checking.py", "")
    assert [each.status for each in solvent.runs()[0]["unsure"].checks] == ["broken"]


def test_a_file_that_a_check_reads_counts_for_the_reuse() -> None:
    Path(CODES).write_text("9")
    assert [solvent.run(looked_up, count=2)["coded"].status for _ in range(2)] == ["done", "reused"]
    Path(CODES).write_text("1")
    with pytest.raises(StepFailed, match="read_codes: it gave False"):
        solvent.run(looked_up, count=2)


def test_a_check_that_changes_what_it_looks_at_stops_the_step() -> None:
    with pytest.raises(StepFailed, match=r"(?s)enlarge: it changed the output.*try: work on a copy"):
        solvent.run(grown, count=2)
    found = solvent.runs()[0]["enlarged"]
    assert [each.status for each in found.checks] == ["passed", "broken"]
    assert found.artifacts == {}
    with pytest.raises(StepFailed, match="append: it changed the output"):
        solvent.run(grown_in_part, count=2)


@pytest.mark.parametrize("engine", ["inline", pytest.param("processes", marks=pytest.mark.slow)])
def test_values_of_sensitive_columns_are_told_nowhere(project: Path, engine: str) -> None:
    (project / "solvent.toml").write_text('sensitive_columns = ["pi*"]')
    with pytest.raises(StepFailed) as caught:
        solvent.run(listed, count=2, engine=engine)
    assert "row 0: ***, row 1: ***" in str(caught.value)
    assert "row 0: 'Ada'" in str(caught.value)
    checks = solvent.runs()[0]["people"].checks
    assert "9417" not in f"{caught.value} {checks} {solvent.runs()[0].error} {solvent.runs()[0]['people'].log}"


def make(*checks: Any) -> Any:
    @step(checks=checks)
    def numbers(count: int) -> list[int]:
        return list(range(count))

    @pipeline(name="made")
    def made(count: int) -> int:
        return total(numbers(count))

    return made


def test_a_changed_check_runs_the_step_again_and_what_follows_is_reused() -> None:
    base = make(row_count(at_least=1))
    assert solvent.run(base, count=3)["numbers"].status == "done"
    for changed, why in (
        (make(row_count(at_least=2)), "check row_count(at_least=1) -> row_count(at_least=2)"),
        (make(row_count(at_least=2), lambda output: True), "new check lambda"),
        (make(row_count(at_least=2), lambda output: None), "check lambda changed"),
        (make(row_count(at_least=2)), None),
        (make(row_count(at_least=3)), "check row_count(at_least=2) -> row_count(at_least=3)"),
        (make(row_count(at_least=3, warn=True)), "check row_count(at_least=3) changed"),
        (make(), "check row_count(at_least=3) is gone"),
    ):
        run = solvent.run(changed, count=3)
        assert run["numbers"].status == ("reused" if why is None else "done")
        assert why is None or run["numbers"].why.startswith(why)
        assert run["total"].status == "reused"


def test_checks_of_an_output_that_shows_only_later_not_to_be_there_fail_the_step() -> None:
    @step(checks={"train": [row_count(at_least=1)]})
    def unannotated(count: int):  # type: ignore[no-untyped-def]
        return [count]

    @pipeline
    def flow(count: int) -> int:
        return total(unannotated(count))

    with pytest.raises(StepFailed, match=r"AuthoringError: @step.* has no output 'train'") as caught:
        solvent.run(flow, count=2)
    assert isinstance(caught.value.__cause__, AuthoringError)


def test_show_tells_what_came_of_the_checks(capsys: pytest.CaptureFixture[str]) -> None:
    solvent.run(counted, count=4)
    assert main(["show", "count_up"]) == 0
    out = capsys.readouterr().out
    assert "check     row_count(at_least=2, at_most=5): passed\n" in out
    assert "check     lambda: warned: too round\n" in out
    assert main(["show", "count_up", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["checks"]
    assert [(each["name"], each["status"]) for each in shown][1] == ("lambda", "warned")
    assert shown[1]["detail"] == {"problems": [{"message": "too round"}]}
