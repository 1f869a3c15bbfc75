"""`solvent runs`: list runs, newest first."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from itertools import islice
from typing import TYPE_CHECKING, Any

from solvent.cli.choices import add_json, open_stores
from solvent.cli.output import cut, moment, print_json, table
from solvent.cli.parsing import one_of, whole_number
from solvent.model import RUN_STATUSES
from solvent.runs.lives import status_of
from solvent.runs.words import seconds_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from solvent.model import RunRecord
    from solvent.runs.stores import Stores

_PAGE = 100
_RESULT_WIDTH = 200


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument("--pipeline", metavar="NAME", help="only runs of this pipeline")
    parser.add_argument("--project", metavar="NAME", help="only runs of this project")
    parser.add_argument(
        "--status", type=one_of(*RUN_STATUSES), metavar="STATUS", help=f"only runs that are {', '.join(RUN_STATUSES)}"
    )
    parser.add_argument("--tag", metavar="TAG", help="only runs with this tag")
    parser.add_argument("--limit", type=whole_number(1), default=20, metavar="N", help="how many (20)")
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    from solvent.runs.views import Run

    with open_stores() as stores:
        found = list(islice(_matching(stores, arguments), arguments.limit))
        if not found:
            _check_names(stores, arguments)
        facts = [_facts(record, status, Run(record, stores)) for record, status in found]
        several = len(stores.metadata.projects()) > 1
    if arguments.json:
        print_json(facts)
    else:
        print(_table(facts, several and not arguments.project) if facts else "no such run")
    return 0


def _matching(stores: Stores, arguments: Namespace) -> Iterator[tuple[RunRecord, str]]:
    """Give runs with their status as of now, newest first, a page at a time."""
    # A run whose process died is still stored as running.
    stored = ("running", "interrupted") if arguments.status == "interrupted" else arguments.status
    size = min(arguments.limit, _PAGE)
    before: str | None = None
    while True:
        page = stores.metadata.list_runs(
            pipeline=arguments.pipeline,
            status=stored,
            tag=arguments.tag,
            project=arguments.project,
            limit=size,
            before=before,
        )
        for record in page:
            status = status_of(record, stores.locks)
            if arguments.status in (None, status):
                yield record, status
        if len(page) < size:
            return
        before, size = page[-1].id, _PAGE


def _check_names(stores: Stores, arguments: Namespace) -> None:
    """Where nothing was found: is there no run at all, or is the pipeline's name not one?"""
    from solvent.errors import NotFoundError, nearest

    if not (projects := stores.metadata.projects()):
        stores.metadata.find_run("latest")
    if arguments.project and arguments.project not in projects:
        raise NotFoundError(
            f"no run of a project {arguments.project!r}{nearest(arguments.project, projects)}",
            hint=f"projects: {', '.join(filter(None, projects))}",
        )
    if arguments.pipeline and not stores.metadata.list_runs(pipeline=arguments.pipeline, limit=1):
        known = sorted({record.pipeline for record in stores.metadata.list_runs(limit=1000)})
        raise NotFoundError(
            f"no run of a pipeline {arguments.pipeline!r}{nearest(arguments.pipeline, known)}",
            hint=f"pipelines: {', '.join(known)}",
        )


def _facts(record: RunRecord, status: str, run: Any) -> dict[str, Any]:
    from solvent.cli.run import headline

    result = run.plain_result
    return {
        "id": record.id,
        "project": record.project,
        "pipeline": record.pipeline,
        "status": status,
        "started_at": record.started_at,
        "seconds": record.ended_at - record.started_at if record.ended_at is not None else None,
        "steps": json.loads(record.counts),
        "result": result,
        "headline": headline(run, result),
        "error": record.error,
        "tags": run.tags,
        "seed": record.seed,
        "engine": record.engine,
        "user": record.user,
        "host": record.host,
        "origin": record.origin,
        "resumes": record.resumes,
        "sweep": record.sweep,
    }


def _table(facts: list[dict[str, Any]], several: bool) -> str:
    """Lay the runs out, pipelines with their projects where the store holds more than one."""
    heads = ("run", "pipeline", "status", "started", "took", "ran", "result")
    if several:
        facts = [{**each, "pipeline": f"{each['project'] or '-'}/{each['pipeline']}"} for each in facts]
    return table(heads, [_row(each) for each in facts], stretch=6, right=(4, 5), whole=(0,))


def _row(facts: dict[str, Any]) -> tuple[str, ...]:
    counts = facts["steps"]
    ran = f"{counts.get('done', 0)}/{sum(counts.values())}" if counts else ""
    tags = "".join(f"#{tag} " for tag in facts["tags"])
    started = moment(facts["started_at"])[5:16]
    took = seconds_text(facts["seconds"])
    return facts["id"], facts["pipeline"], facts["status"], started, took, ran, tags + _outcome(facts)


def _outcome(facts: dict[str, Any]) -> str:
    from solvent.cli.run import short_result

    if facts["error"]:
        return str(facts["error"]).partition("\n")[0]
    shown = facts["headline"] or short_result(_rounded(facts["result"]))
    return cut(shown, _RESULT_WIDTH) if facts["status"] == "done" else ""


def _rounded(result: Any) -> Any:
    if isinstance(result, dict):
        return {name: _rounded(each) for name, each in result.items()}
    if isinstance(result, list):
        return [_rounded(each) for each in result]
    return float(f"{result:.4g}") if isinstance(result, float) else result
