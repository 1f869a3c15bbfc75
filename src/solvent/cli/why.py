"""`solvent why`: why step runs were executed or reused, and how their keys differ from those of the calls before."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import Any

from solvent.cli.choices import add_json, find_run_or_step, open_stores
from solvent.cli.output import print_json, table, wrapped
from solvent.runs.views import Run, StepRun

_UNSEEN = "clock, network, databases, environment variables: declare them, use salt, or cache=False"


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument(
        "what", metavar="STEP", nargs="?", default="latest", help="STEP, STEP[1], RUN/STEP or RUN; the latest run"
    )
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    with open_stores() as stores:
        found = find_run_or_step(arguments.what, stores)
        if isinstance(found, Run):
            return _show_run(found, arguments.json)
        facts = _facts(found, stores.metadata)
    if arguments.json:
        print_json(facts)
    else:
        print("\n".join(_lines(facts)))
    return 0


def _show_run(run: Run, as_json: bool) -> int:
    if as_json:
        steps = [{"step": step.label, "status": step.status, "why": step.why} for step in run.steps]
        print_json({"run": run.id, "steps": steps})
    else:
        print(f"run {run.id} of {run.pipeline}: {run.status}\n")
        print(table(("step", "status", "why"), [(step.label, step.status, step.why) for step in run.steps], stretch=2))
    return 0


def _facts(step: StepRun, metadata: Any) -> dict[str, Any]:
    former, reasons, differences = (None, [], []) if step.source else _compared(step, metadata)
    return {
        "run": step.run_id,
        "step": step.label,
        "status": step.status,
        "why": step.why,
        "reuses": {"run": step.source[0], "call": step.source[1]} if step.source else None,
        "compared_with": former,
        "reasons": reasons,
        "differences": differences,
        "key": step.key,
        "parts": step.parts,
        "observed": step.observed,
        "unfollowed": list(step.code.unfollowed) if step.code else [],
    }


def _compared(step: StepRun, metadata: Any) -> tuple[dict[str, Any] | None, list[str], list[dict[str, Any]]]:
    """Find the nearest call of the step in the last run before that has one: which, all reasons, all differing parts."""
    from solvent.plan.explain import closest, explain

    if not step.key:
        return None, [], []
    before = metadata.last_run_with_step(metadata.find_run(step.run_id).pipeline, step.name, step.run_id)
    calls = [call for call in metadata.list_parts(before, step.name) if call.key] if before else []
    calls.sort(key=lambda call: abs(call.occurrence - step.index))
    place = closest(step.parts, [call.parts for call in calls])
    if place is None:
        return None, [], []
    former = calls[place]
    code = metadata.load_code(former.code) if former.code else None
    reasons = explain(step.parts, step.code, former.parts, code)
    label = f"{step.name}[{former.occurrence}]" if former.occurrence else step.name
    return {"run": before, "step": label, "key": former.key}, reasons, list(_differences(former.parts, step.parts))


def _differences(old: Any, new: Any) -> Iterator[dict[str, Any]]:
    """Name the parts of two keys that differ, with what they were and are."""
    import json

    before, after = (dict(_flat(json.loads(parts) if isinstance(parts, str) else parts)) for parts in (old, new))
    for name in dict.fromkeys([*before, *after]):
        if before.get(name) != after.get(name):
            yield {"part": name, "before": before.get(name), "after": after.get(name)}


def _flat(parts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in parts.items():
        if name == "arguments":
            yield from ((f"argument {key}", _argument(*given)) for key, given in value.items())
        elif name == "checks":
            yield from ((f"check {key}", f"{text} {content[:12]}") for key, (content, text) in value.items())
        elif isinstance(value, dict):
            word = {"externals": "file", "environment": "version"}.get(name, name)
            yield from ((f"{word} {key}", str(each)) for key, each in value.items())
        elif value is not None:
            yield name, str(value)


def _argument(digest: str, kind: str, text: str) -> str:
    return text or f"{kind.rpartition(':')[2]} {digest[:12]}"


def _lines(found: dict[str, Any]) -> list[str]:
    lines = [f"{found['step']} of run {found['run']}: {found['status']}"]
    lines += wrapped("why", found["why"])
    if found["reuses"]:
        lines += wrapped("reuses", f"run {found['reuses']['run']}, call {found['reuses']['call']}")
    lines += _comparison(found)
    parts = found["parts"]
    for argument, given in parts.get("arguments", {}).items():
        lines += wrapped("argument", f"{argument} = {_argument(*given)}")
    for path, digest in parts.get("externals", {}).items():
        lines += wrapped("file", f"{path} {digest[:12]}")
    versions = ", ".join(f"{package} {version}" for package, version in parts.get("environment", {}).items())
    lines += wrapped("versions", versions)
    for _, text in parts.get("checks", {}).values():
        lines += wrapped("check", text)
    lines += wrapped("salt", repr(parts["salt"]) if parts.get("salt") is not None else "")
    lines += wrapped("code", parts.get("code", "")[:12])
    lines += wrapped("seen", ", ".join(found["observed"]))
    if found["unfollowed"]:
        lines += wrapped("whole", f"not followed, so their whole module counts: {', '.join(found['unfollowed'])}")
    lines += wrapped("key", found["key"][:12])
    lines += wrapped("unseen", _UNSEEN)
    return lines


def _comparison(found: dict[str, Any]) -> list[str]:
    """Show what was compared with, the reasons that the short why leaves out, and the parts that differ."""
    former = found["compared_with"]
    if former is None:
        return []
    lines = wrapped("against", f"{former['step']} of run {former['run']}")
    if any(reason not in found["why"] for reason in found["reasons"]):
        for reason in found["reasons"]:
            lines += wrapped("because", reason)
    for each in found["differences"]:
        sides = (_short(each["part"], each[side]) for side in ("before", "after"))
        lines += wrapped("differs", f"{each['part']}: {' -> '.join(sides)}")
    return lines


def _short(part: str, value: str | None) -> str:
    if value is None:
        return "(none)"
    return value[:12] if part == "code" or part.startswith("file ") else value
