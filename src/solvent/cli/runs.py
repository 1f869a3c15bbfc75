"""`solvent runs`: list runs, newest first."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from typing import Any

from solvent.cli.choices import add_json, open_stores
from solvent.cli.output import moment, print_json, table
from solvent.runs.lives import status_of
from solvent.runs.words import seconds_text


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument("--pipeline", metavar="NAME", help="only runs of this pipeline")
    parser.add_argument(
        "--status", choices=("running", "done", "failed", "interrupted"), help="only runs with this status"
    )
    parser.add_argument("--tag", metavar="TAG", help="only runs with this tag")
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="how many (20)")
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    with open_stores() as stores:
        # A run whose process died is stored as running, so those two are told apart here.
        wanted = arguments.status
        stored = None if wanted in ("running", "interrupted") else wanted
        found = stores.metadata.list_runs(
            pipeline=arguments.pipeline, status=stored, tag=arguments.tag, limit=arguments.limit
        )
        rows = [(record, status_of(record, stores.locks)) for record in found]
    rows = [(record, status) for record, status in rows if wanted in (None, status)]
    if arguments.json:
        print_json([_as_json(record, status) for record, status in rows])
    elif not rows:
        print("no such run")
    else:
        heads = ("run", "pipeline", "status", "started", "took", "steps")
        print(table(heads, [_row(record, status) for record, status in rows], stretch=1, right=(4,)))
    return 0


def _row(record: Any, status: str) -> tuple[str, ...]:
    counts = json.loads(record.counts)
    steps = " ".join(f"{number} {name}" for name, number in counts.items())
    return record.id, record.pipeline, status, moment(record.started_at)[5:16], seconds_text(took(record)), steps


def took(record: Any) -> float | None:
    return record.ended_at - record.started_at if record.ended_at is not None else None


def _as_json(record: Any, status: str) -> dict[str, Any]:
    return {
        "id": record.id,
        "pipeline": record.pipeline,
        "status": status,
        "started_at": record.started_at,
        "seconds": took(record),
        "steps": json.loads(record.counts),
        "seed": record.seed,
        "engine": record.engine,
        "user": record.user,
        "resumes": record.resumes,
        "sweep": record.sweep,
    }
