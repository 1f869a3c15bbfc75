"""`solvent deploy`, `promote` and `rollback`: which version of an endpoint its aliases point at."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from solvent.cli.choices import add_json, open_stores
from solvent.cli.compare import comparison_facts, comparison_lines
from solvent.cli.output import cut, print_json, printable, width, wrapped

if TYPE_CHECKING:
    from solvent.deploy.aliases import Moved
    from solvent.deploy.comparing import Comparison
    from solvent.deploy.deploying import Deployment
    from solvent.runs.stores import Stores
    from solvent.serving.verification import Verification


def add_arguments(parser: ArgumentParser, name: str) -> None:
    if name == "deploy":
        parser.add_argument("endpoint", metavar="ENDPOINT", help="its name, or path/file.py:NAME")
        parser.add_argument("--run", metavar="RUN", help="the run to cut it out of; the newest that is done by default")
        parser.add_argument(
            "--load-seconds",
            type=float,
            default=1.0,
            metavar="S",
            help="how long each load test takes (1); less is rougher",
        )
        parser.add_argument("--dry-run", action="store_true", help="verify it, and register nothing")
    elif name == "promote":
        parser.add_argument("version", metavar="VERSION", help="the version to point at: delays@3, delays@challenger")
    else:
        parser.add_argument("endpoint", metavar="ENDPOINT", help="its name")
    parser.add_argument("--alias", metavar="NAME", default="champion", help="the alias to move (champion)")
    parser.add_argument("--why", metavar="TEXT", default="", help="why, for the history")
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    if name == "deploy":
        return _deploy(arguments)
    from solvent.deploy.aliases import promote, rollback
    from solvent.deploy.registry import find_model

    with open_stores() as stores:
        if name == "promote":
            version = find_model(arguments.version, stores)
            moved = promote(version, stores, alias=arguments.alias, why=arguments.why)
        else:
            moved = rollback(arguments.endpoint, stores, alias=arguments.alias, why=arguments.why)
    _show_move(moved, arguments.json)
    return 0


def _show_move(moved: Moved, as_json: bool) -> None:
    endpoint, number = moved.version.endpoint, moved.version.number
    if as_json:
        print_json({"endpoint": endpoint, "alias": moved.alias, "before": moved.before, "version": number})
    elif not moved.moved:
        print(f"{endpoint}@{moved.alias} points at version {number} already")
    else:
        before = f", and pointed at {moved.before} before" if moved.before is not None else ""
        print(f"{endpoint}@{moved.alias} points at version {number} now{before}")


def _deploy(arguments: Namespace) -> int:
    from solvent.deploy.deploying import deploy
    from solvent.deploy.endpoints import choose_run, find_endpoint

    def tell(words: str) -> None:
        print(words, file=sys.stderr, flush=True)

    with open_stores() as stores:
        endpoint = find_endpoint(arguments.endpoint, stores)
        run, told = choose_run(endpoint, arguments.run, stores)
        if told:
            tell(told)
        made = deploy(
            endpoint,
            run,
            stores,
            alias=arguments.alias,
            why=arguments.why,
            registering=not arguments.dry_run,
            seconds=max(0.05, arguments.load_seconds),
            tell=tell,
        )
        compared = _compared(made, stores, tell)
    if arguments.json:
        print_json({**_facts(made), "compared": comparison_facts(compared) if compared else None})
    else:
        _show(made, arguments.dry_run)
        if compared:
            print("\n".join(["", *comparison_lines(compared)]))
    return 0 if made.ok else 1


def _compared(made: Deployment, stores: Stores, tell: Callable[[str], None]) -> Comparison | None:
    """Compare a challenger with the champion, if there is one; where that can't be done, say so."""
    from solvent.deploy.comparing import compare_models
    from solvent.deploy.registry import CHAMPION, find_model
    from solvent.errors import SolventError

    if made.version is None or made.alias == CHAMPION:
        return None
    try:
        champion = find_model(f"{made.endpoint}@{CHAMPION}", stores)
        if champion.number == made.version.number:
            return None
        tell(f"comparing it with the champion, {champion.label}")
        return compare_models(champion, made.version, stores)
    except SolventError as error:
        tell(f"it was not compared with a champion: {error.problem}")
        return None


def _facts(made: Deployment) -> dict[str, Any]:
    found = made.verification
    return {
        "endpoint": made.endpoint,
        "run": made.run_id,
        "bundle": made.bundle,
        "ok": made.ok,
        "failures": found.failures,
        "warnings": found.warnings,
        "version": made.version.number if made.version else None,
        "again": made.again,
        "alias": made.alias,
        "before": made.before,
        "verification": made.verification_digest,
        "measures": {each.name: each.value for each in found.measures},
        "bounds": {each.name: {"found": each.found, "ok": each.ok, "severity": each.severity} for each in found.bounds},
    }


def _show(made: Deployment, dry: bool) -> None:
    found = made.verification
    print(f"{made.endpoint} of run {made.run_id}, bundle {made.bundle[:12]}")
    print("\n".join(findings(found)))
    for words in found.warnings:
        print("\n".join(_laid_out("", "note", words)))
    if not made.ok:
        _show_refusal(made)
    elif dry:
        print("nothing was registered: this was a dry run")
    elif made.version is not None:
        before = f", and pointed at {made.before} before" if made.before not in (None, made.version.number) else ""
        again = ", as before and verified again" if made.again else ""
        print(f"version {made.version.number}{again}: {made.endpoint}@{made.alias} points at it{before}")


def findings(found: Verification) -> list[str]:
    """Lay out what was found: the steps, the replay, each bound of the contract, and what a request costs."""
    from solvent.serving.verification import replay_words

    rows = [(each.ok, f"step {each.step}", each.problem or "answers each row by itself") for each in found.steps]
    if found.replay is not None:
        rows.append((found.replay.ok, "replay", replay_words(found.replay)))
    rows += [(each.ok, each.name, each.words.removeprefix(f"{each.name}: ")) for each in found.bounds]
    lines = [line for ok, name, words in rows for line in _laid_out("ok" if ok else "NO", name, words)]
    return lines + _laid_out("", "cost", cost_words(found))


def _laid_out(mark: str, name: str, words: str) -> list[str]:
    import textwrap

    text = textwrap.wrap(printable(words), width() - 21, break_on_hyphens=False) or [""]
    head = [f"{mark:2}  {cut(name, 16):16} {text[0]}"] if words else []
    return head + [f"{'':21}{line}" for line in text[1:]]


def cost_words(found: Verification) -> str:
    """Say in one sentence what a request costs, and which step takes most of it."""
    told = [("cpu_ms", "{:.2g} ms of CPU a request"), ("memory_mb", "{:.0f} MB"), ("bundle_mb", "bundle {:.2g} MB")]
    told.append(("cold_start_seconds", "ready after {:.1f} s"))
    parts = [words.format(value) for name, words in told if (value := found.measure(name)) is not None]
    whole = sum(each.cpu_ms for each in found.times)
    if parts and whole:
        most = max(found.times, key=lambda each: each.cpu_ms)
        parts.append(f"{most.step} takes {most.cpu_ms / whole:.0%} of the CPU")
    return ", ".join(parts)


def _show_refusal(made: Deployment) -> None:
    print(f"refused: {made.endpoint}@{made.alias} still points at {made.before or 'nothing'}")
    for words in made.verification.failures:
        print("\n".join(wrapped("because", words)))
    hints = dict.fromkeys(each.hint for each in made.verification.steps if each.hint and not each.ok)
    for hint in hints:
        print("\n".join(wrapped("try", hint)))
    print("\n".join(wrapped("see", f"solvent report model {made.verification_digest[:12]}")))
