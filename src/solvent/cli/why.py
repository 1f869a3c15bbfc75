"""`solvent why`: why a step run was executed or reused, and what its key is made of."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from solvent.cli.choices import add_json, open_stores
from solvent.cli.output import print_json, wrapped


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument(
        "step", metavar="[RUN/]STEP[[N]]", help="a step of the latest run, or of the run named before it"
    )
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    from solvent.runs.references import find_step_run

    with open_stores() as stores:
        step, _ = find_step_run(arguments.step, stores)
        found = {
            "run": step.run_id,
            "step": step.label,
            "status": step.status,
            "why": step.why,
            "reuses": f"{step.source[0]}, call {step.source[1]}" if step.source else None,
            "key": step.key,
            "parts": step.parts,
            "observed": step.observed,
            "unfollowed": list(step.code.unfollowed) if step.code else [],
        }
    if arguments.json:
        print_json(found)
    else:
        print("\n".join(_lines(found)))
    return 0


def _lines(found: dict[str, Any]) -> list[str]:
    lines = [f"{found['step']} of run {found['run']}: {found['status']}"]
    lines += wrapped("why", found["why"])
    if found["reuses"]:
        lines += wrapped("reuses", f"run {found['reuses']}")
    parts = found["parts"]
    for argument, (digest, _, text) in parts.get("arguments", {}).items():
        lines += wrapped("argument", f"{argument} = {text or digest[:12]}")
    for path, digest in parts.get("externals", {}).items():
        lines += wrapped("file", f"{path} {digest[:12]}")
    versions = " ".join(f"{package} {version}" for package, version in parts.get("environment", {}).items())
    lines += wrapped("versions", versions)
    if found["observed"]:
        lines += wrapped("seen", ", ".join(found["observed"]))
    if found["unfollowed"]:
        lines += wrapped("whole", f"not followed, so their whole module counts: {', '.join(found['unfollowed'])}")
    lines += wrapped("key", found["key"])
    lines += wrapped(
        "unseen", "clock, network, databases, environment variables: declare them, use salt, or cache=False"
    )
    return lines
