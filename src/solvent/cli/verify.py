"""`solvent verify` and `solvent remake`: is all that is stored as it was written; and make an artifact again."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from solvent.cli.choices import add_json, open_stores
from solvent.cli.output import print_json, wrapped
from solvent.runs.words import seconds_text, size_text

if TYPE_CHECKING:
    from solvent.runs.audit import Progress
    from solvent.runs.remake import Remade, Remaking
    from solvent.runs.stores import Stores
    from solvent.runs.verify import Problem, Report

SHOWN = 20
NAMED = 3


def add_arguments(parser: ArgumentParser, name: str) -> None:
    if name == "remake":
        parser.add_argument(
            "what", metavar="WHAT", help="a run, or one artifact: the beginning of its digest, or RUN/STEP.FIELD"
        )
    else:
        parser.add_argument(
            "--repair", action="store_true", help="put back what can be put back, by running steps again where needed"
        )
    parser.add_argument(
        "--uncached", action="store_true", help="run steps with cache=False again too: they may have effects"
    )
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    with open_stores() as stores:
        if name == "remake":
            return _remake(stores, arguments)
        from solvent.runs.verify import verify

        report = verify(stores, repair=arguments.repair, uncached=arguments.uncached, progress=_progress())
    if arguments.json:
        print_json(_facts(report))
    else:
        print("\n".join(_lines(report, arguments.repair)))
    return int(not report.ok)


def _progress() -> Progress | None:
    """Show how far the reading is on a terminal, ten times a second."""
    if not sys.stderr.isatty():
        return None
    shown_at = 0.0

    def show(done: int, count: int, size_bytes: int) -> None:
        nonlocal shown_at
        if time.monotonic() - shown_at > 0.1 or done == count:
            shown_at = time.monotonic()
            end = "\r\x1b[K" if done == count else ""
            sys.stderr.write(f"\r  {done:,} of {count:,} blobs, {size_text(size_bytes)} in all{end}")
            sys.stderr.flush()

    return show


def _lines(report: Report, repair: bool) -> Iterable[str]:
    blobs = f"{report.count:,} blob{'s' * (report.count != 1)}"
    yield f"read {blobs}, {size_text(report.size_bytes)}, in {seconds_text(report.seconds)}"
    for problem in report.problems[:SHOWN]:
        yield from _of_problem(problem)
    if len(report.problems) > SHOWN:
        yield f"  ... and {len(report.problems) - SHOWN:,} more; --json lists them all"
    for made in report.made:
        yield from wrapped("ran again", "; ".join([made.label, *made.notes]))
    yield from _of_rest(report)
    yield _summary(report, repair)


def _of_problem(problem: Problem) -> Iterable[str]:
    what = f"{problem.digest[:12]}, {size_text(problem.size_bytes)}: " if problem.size_bytes > 0 else ""
    if problem.digest and not what:
        what = f"{problem.digest[:12]}: "
    yield from wrapped(problem.kind, what + problem.detail)
    yield from wrapped("", _whose(problem))
    yield from wrapped("", _dependents(problem.dependents))
    yield from wrapped("", _prospect(problem))


def _whose(problem: Problem) -> str:
    if problem.role == "artifact":
        return f"made by {_some(problem.made_by) or 'no run on record'}"
    names = {"snapshot": "the list of source files", "source": f"source file {problem.path}", "git_diff": "git diff"}
    if problem.role in names:
        return f"{names[problem.role]} of run {_some(problem.runs)}"
    return "" if problem.role == "metadata" else "nothing on record refers to it"


def _dependents(names: list[str]) -> str:
    if len(names) == 1:
        return f"{names[0]} depends on it"
    runs = len({each.rpartition(" of run ")[2] for each in names})
    where = f" in {runs} runs" if runs > 1 else ""
    return f"{len(names)} step runs{where} depend on it: {_some(names)}" if names else ""


def _prospect(problem: Problem) -> str:
    if problem.state == "mended":
        return "mended"
    if problem.state == "lost":
        return f"lost: {problem.obstacle}"
    if problem.role in ("", "metadata"):
        return problem.obstacle
    return f"can't be made again: {problem.obstacle}" if problem.obstacle else "can be put back: --repair"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _of_rest(report: Report) -> Iterable[str]:
    if report.unreferenced:
        oldest, newest = (_age(pick(each.changed_at for each in report.unreferenced)) for pick in (min, max))
        age = oldest if newest == oldest else f"{newest} to {oldest}"
        told = f"{_count(report.unreferenced, 'blob')}, {age} old; `solvent clean` removes {_them(report.unreferenced)}"
        yield from wrapped("unused", told)
    if report.dropped:
        yield from wrapped("dropped", f"{_count(report.dropped, 'blob')}, made again when asked for")
    if report.leftovers:
        removed = f"`solvent clean` removes {_them(report.leftovers)}"
        yield from wrapped("left over", f"{_count(report.leftovers, 'file')}, moved aside or half written; {removed}")


def _them(found: Sequence[Any]) -> str:
    return "it" if len(found) == 1 else "them"


def _count(found: Sequence[Any], noun: str) -> str:
    size = size_text(sum(each.size_bytes for each in found))
    return f"{len(found)} {noun}{'s' * (len(found) != 1)}, {size}"


def _age(at: float) -> str:
    seconds = max(0.0, time.time() - at)
    return f"{seconds / 86400:.0f} days" if seconds > 86400 * 1.5 else seconds_text(seconds)


def _summary(report: Report, repair: bool) -> str:
    wrong, mended, lost = (len(report.with_state(state)) for state in ("wrong", "mended", "lost"))
    if report.ok:
        return f"all is well: {mended} mended" if mended else "all is well"
    if repair:
        return f"{lost + wrong} lost or wrong, {mended} mended"
    hopeful = sum(1 for each in report.with_state("wrong") if not each.obstacle and each.role != "metadata")
    return f"{wrong} wrong; `solvent verify --repair` can put {hopeful} of them back" if hopeful else f"{wrong} wrong"


def _facts(report: Report) -> dict[str, Any]:
    return {
        "ok": report.ok,
        "blobs": report.count,
        "size_bytes": report.size_bytes,
        "seconds": report.seconds,
        "problems": [asdict(each) for each in report.problems],
        "unreferenced": [each._asdict() for each in report.unreferenced],
        "dropped": [{"digest": each.digest, "size_bytes": each.size_bytes} for each in report.dropped],
        "leftovers": [each._asdict() for each in report.leftovers],
        "ran_again": [each._asdict() for each in report.made],
    }


def _remake(stores: Stores, arguments: Namespace) -> int:
    from solvent.runs.remake import names_of, remake

    found = remake(stores, names_of(arguments.what, stores), uncached=arguments.uncached, anew=True)
    if arguments.json:
        made = [each._asdict() for each in found.made]
        print_json({"ok": found.ok, "artifacts": [_remade(each) for each in found.artifacts], "ran_again": made})
    else:
        print("\n".join(_of_remaking(found)))
    return int(not found.ok)


def _remade(remade: Remade) -> dict[str, Any]:
    way = remade.maker
    by = {"run": way.run_id, "step": way.step, "field": way.name} if way else None
    return {"digest": remade.digest, "type": remade.type, "ok": remade.ok, "why": remade.why, "by": by}


def _of_remaking(found: Remaking) -> Iterable[str]:
    for made in found.made:
        yield from wrapped("ran", "; ".join([f"{made.label} in {seconds_text(made.seconds)}", *made.notes]))
    for each in found.artifacts:
        by = _way(each)
        yield from wrapped(
            "same" if each.ok else "not made", f"{each.digest[:12]} {by}{': ' + each.why if each.why else ''}"
        )
    good = sum(each.ok for each in found.artifacts)
    yield f"{good} of {len(found.artifacts)} made again with the recorded digest"


def _way(remade: Remade) -> str:
    way = remade.maker
    return f"{way.step}{'.' + way.name if way.name else ''}" if way else "of unknown origin"
