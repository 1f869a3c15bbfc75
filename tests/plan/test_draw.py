from typing import Any

from solvent.pipelines.ref import value
from solvent.pipelines.step import step
from solvent.plan.draw import draw_mermaid, draw_plan, plan_rows
from solvent.plan.trace import describe_stop, trace


@step
def load() -> int:
    return 1


@step(name="a step whose name is as long as names get when people are thorough")
def clean(rows: int) -> int:
    return rows


@step
def fit(rows: int, depth: int) -> int:
    return rows


def body() -> Any:
    rows = load()
    cleaned = clean(rows)
    models = [fit(cleaned, depth) for depth in (1, 2)]
    return value(models[0])


def test_the_table_shows_each_call_in_80_columns(known: Any) -> None:
    plan = trace("delays", body, known("load", seconds={"fit": 12.34}))
    assert plan.stop is not None
    assert draw_plan(plan).splitlines() == [
        "step                                      what   why                     seconds",
        "load                                      reuse  same key                      -",
        "a step whose name is as long as names g…  run    never run                     ?",
        "fit[0]                                    maybe  a step whose name is …     12.3",
        "fit[1]                                    maybe  a step whose name is …     12.3",
        f"... {describe_stop(plan.stop)}",
        "",
        "delays: 1 reuse, 1 run, 2 maybe; about 24.7 s of work and 1 never timed",
    ]


def test_short_names_leave_the_room_to_the_reason(known: Any) -> None:
    first = draw_plan(trace("delays", load, known())).splitlines()
    assert first[1] == "load  run   never run                                                          ?"
    assert all(len(line) <= 80 for line in first)


def test_an_empty_plan_says_so(known: Any) -> None:
    assert draw_plan(trace("nothing", dict, known())).splitlines()[-1] == "nothing: nothing to do; about 0.0 s of work"


def test_the_rows_are_ready_for_json(known: Any) -> None:
    rows = plan_rows(trace("delays", body, known("load")))
    assert rows[0] == {"name": "load", "index": 0, "what": "reuse", "why": "same key", "seconds": 0.0, "needs": []}
    assert rows[2]["needs"] == [1]


def test_mermaid_draws_calls_and_what_they_need(known: Any) -> None:
    steps = ("load", clean.spec.name, "fit")
    drawn = draw_mermaid(trace("delays", lambda: (body(), load()), known(*steps)))
    assert drawn.splitlines()[0] == "flowchart TD"
    assert '    c0["load[0]"]:::reuse' in drawn
    assert "    c0 --> c1" in drawn
    assert "    c2 -.-> c4" in drawn
