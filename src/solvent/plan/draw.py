"""A plan as text at 80 columns, as JSON-ready rows, and its graph as Mermaid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from solvent.plan.graph import Call
from solvent.plan.trace import Plan, Planned, describe_stop

WIDTH = 80
HEADS = ("step", "what", "why", "seconds")


def draw_plan(plan: Plan, width: int = WIDTH) -> str:
    """Give a table with one line for each call, and the sum below it."""
    rows = [(_name(planned.call, plan), planned.what, planned.why, _seconds(planned.seconds)) for planned in plan.calls]
    lines = _table(rows, width)
    if plan.stop:
        lines.append(_fit(f"... {describe_stop(plan.stop)}", width))
    return "\n".join([*lines, "", _fit(_sum_up(plan), width)])


def plan_rows(plan: Plan) -> list[dict[str, Any]]:
    """Give what the table shows, ready for JSON."""
    return [
        {
            "name": planned.call.step.spec.name,
            "index": planned.call.index,
            "what": planned.what,
            "why": planned.why,
            "seconds": planned.seconds,
            "needs": sorted({index for index, _ in planned.call.producers}),
        }
        for planned in plan.calls
    ]


def draw_mermaid(plan: Plan) -> str:
    """Give the graph as a Mermaid flowchart: what is reused is dashed, waiting for a value is a dotted arrow."""
    lines = ["flowchart TD"]
    for planned in plan.calls:
        lines.append(f"    {_node(planned, plan)}")
        for index, field in planned.call.producers:
            arrow = f"-->|{_escape(field)}|" if field else "-->"
            lines.append(f"    c{index} {arrow} c{planned.call.index}")
        lines.extend(f"    c{index} -.-> c{planned.call.index}" for index in planned.call.control)
    return "\n".join([*lines, "    classDef reuse stroke-dasharray: 4"])


def _table(rows: Sequence[tuple[str, str, str, str]], width: int) -> list[str]:
    longest = [max([len(head), *(len(row[place]) for row in rows)]) for place, head in enumerate(HEADS)]
    name = min(longest[0], width // 2)
    why = max(10, width - name - longest[1] - longest[3] - 6)
    return [
        f"{_fit(step, name):{name}}  {what:{longest[1]}}  {_fit(reason, why):{why}}  {seconds:>{longest[3]}}".rstrip()
        for step, what, reason, seconds in (HEADS, *rows)
    ]


def _fit(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _name(call: Call, plan: Plan) -> str:
    many = sum(planned.call.step.spec.name == call.step.spec.name for planned in plan.calls) > 1
    return f"{call.step.spec.name}[{call.occurrence}]" if many else call.step.spec.name


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return "?"
    return f"{seconds:.1f}" if seconds else "-"


def _sum_up(plan: Plan) -> str:
    counts = {what: sum(planned.what == what for planned in plan.calls) for what in ("reuse", "run", "maybe")}
    told = ", ".join(f"{count} {what}" for what, count in counts.items() if count) or "nothing to do"
    unknown = sum(planned.seconds is None for planned in plan.calls)
    more = f" and {unknown} never timed" if unknown else ""
    return f"{plan.pipeline}: {told}; about {plan.seconds:.1f} s of work{more}"


def _node(planned: Planned, plan: Plan) -> str:
    mark = ":::reuse" if planned.what == "reuse" else ""
    return f'c{planned.call.index}["{_escape(_name(planned.call, plan))}"]{mark}'


def _escape(text: str | None) -> str:
    return (text or "").replace('"', "#quot;").replace("|", "#124;").replace("\n", " ")
