"""`solvent copy`: runs and their artifacts to another store, or from one."""

from __future__ import annotations

import dataclasses
import sys
import tempfile
import threading
import time
from argparse import ArgumentParser, Namespace
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from solvent.cli.choices import add_json
from solvent.cli.output import print_json
from solvent.cli.parsing import whole_number
from solvent.config.project import Project
from solvent.errors import NotFoundError, SolventError
from solvent.runs.copy import Copied, choose_runs, copy_runs
from solvent.runs.elsewhere import are_same, makes_store, open_elsewhere, store_name
from solvent.runs.stores import Stores
from solvent.runs.words import seconds_text, size_text

if TYPE_CHECKING:
    from solvent.runs.cargo import Count

_STORE = "a folder, a profile of the project, or METADATA-URL,ARTIFACTS-URL"


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument("runs", metavar="RUN", nargs="*", help="runs to copy, with those whose step runs they reuse")
    parser.add_argument("--to", metavar="STORE", help=f"where to: {_STORE}; the project's own store if left out")
    parser.add_argument(
        "--from", metavar="STORE", dest="source", help="where from; the project's own store if left out"
    )
    parser.add_argument("--all", action="store_true", help="copy all runs")
    parser.add_argument("--pipeline", metavar="NAME", help="copy the runs of this pipeline")
    parser.add_argument("--project", metavar="NAME", help="copy the runs of this project")
    parser.add_argument("--tag", metavar="TAG", help="copy the runs with this tag")
    parser.add_argument("--limit", type=whole_number(1), metavar="N", help="copy only the newest N")
    parser.add_argument("--dry-run", action="store_true", help="say what would be copied, and copy nothing")
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    _check(arguments)
    own = Project.find()
    with ExitStack() as opened:
        source = opened.enter_context(open_elsewhere(arguments.source, own, create=False))
        filters = {name: getattr(arguments, name) for name in ("pipeline", "project", "tag", "limit")}
        ids = choose_runs(source, arguments.runs, **filters)
        if not ids:
            raise NotFoundError(
                "no run there is like that", hint="`solvent runs` lists those of the project's own store"
            )
        target = opened.enter_context(_open_target(arguments, own, opened))
        if are_same(source, target):
            raise SolventError("both ends are the same store", where=store_name(source), hint="name another one")
        with Progress(shown=sys.stderr.isatty() and not arguments.json) as progress:
            copied = copy_runs(source, target, ids, origin=store_name(source), dry=arguments.dry_run, watcher=progress)
    where = f"from {arguments.source}" if arguments.to is None else f"to {arguments.to}"
    _print(copied, arguments, where)
    asked = set(ids) if arguments.runs else set()
    return 1 if copied.refused or asked & copied.left_out.keys() else 0


def _check(arguments: Namespace) -> None:
    if not (arguments.to or arguments.source):
        raise SolventError("`solvent copy` needs --to or --from", hint=_STORE)
    filters = [f"--{each}" for each in ("all", "pipeline", "project", "tag", "limit") if getattr(arguments, each)]
    if arguments.runs and filters:
        raise SolventError(f"runs by name and {filters[0]} don't go together", hint="leave one of the two out")
    if not arguments.runs and not filters:
        raise SolventError(
            "`solvent copy` needs to know which runs", hint="name them, or say --all, --pipeline NAME or the like"
        )
    if arguments.all and len(filters) > 1:
        raise SolventError(f"--all and {filters[1]} don't go together", hint="leave one of the two out")


def _open_target(arguments: Namespace, own: Project, opened: ExitStack) -> Stores:
    """Open the store that gets the runs; a dry run makes none, so an empty one stands in for one that is not there."""
    try:
        # A dry run refuses what the copy would refuse.
        return open_elsewhere(arguments.to, own, create=not (arguments.dry_run and makes_store(arguments.to, own)))
    except NotFoundError:
        if not (arguments.dry_run and makes_store(arguments.to, own)):
            raise
        folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="solvent-"))
        settings = own.settings._replace(metadata=None, artifacts=None)
        return Stores(own._replace(home=folder, settings=settings))


def _print(copied: Copied, arguments: Namespace, where: str) -> None:
    if arguments.json:
        print_json(
            {
                "sent": dataclasses.asdict(copied.sent),
                "there": dataclasses.asdict(copied.found),
                "along": copied.along,
                "refused": [{"run": id, **dataclasses.asdict(each)} for id, each in copied.refused.items()],
                "left_out": [{"run": id, "problem": why} for id, why in copied.left_out.items()],
                "seconds": copied.seconds,
                "dry_run": arguments.dry_run,
            }
        )
        return
    print(f"{'would copy' if arguments.dry_run else 'copied'} {where}")
    print(f"  sent      {_told(copied.sent)}")
    print(f"  there     {_told(copied.found)}")
    if copied.along:
        print(f"  along     {_number(copied.along, 'run')} whose step runs others reuse")
    for id, why in copied.left_out.items():
        print(f"  left out  {id}: {why}")
    for id, refusal in copied.refused.items():
        print(f"  refused   {id}: {refusal.problem}")
        for part in refusal.parts:
            print(f"            {part}")
    if not arguments.dry_run:
        print(f"  took      {seconds_text(copied.seconds)}")


def _told(count: Count) -> str:
    parts = [_number(count.runs, "run"), _number(count.step_runs, "step run"), _number(count.artifacts, "artifact")]
    return ", ".join([*parts, size_text(count.bytes)])


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


class Progress:
    """One line on a terminal that says how far a copy is; nothing elsewhere."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown
        self._lock = threading.Lock()
        self._runs = self._ended = self._bytes = 0
        self._drawn_at = 0.0

    def planned(self, runs: int) -> None:
        self._runs = runs

    def moved(self, size_bytes: int) -> None:
        with self._lock:
            self._bytes += size_bytes
            self._draw()

    def carried(self, runs: int) -> None:
        with self._lock:
            self._ended += runs
            self._draw()

    def _draw(self) -> None:
        now = time.monotonic()
        if self._shown and now - self._drawn_at > 0.1:
            self._drawn_at = now
            text = f"{self._ended:,} of {self._runs:,} runs, {size_text(self._bytes)}"
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *raised: Any) -> None:
        if self._drawn_at:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
