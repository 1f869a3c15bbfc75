"""`solvent score`: apply a model to a table, as a recorded run."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from typing import Any

from solvent.cli.choices import add_json
from solvent.cli.output import print_json
from solvent.cli.parsing import whole_number


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument("model", metavar="MODEL", help="delays@champion, delays@3, or the folder of a bundle")
    parser.add_argument(
        "--source",
        required=True,
        metavar="NAME",
        help="the rows: a source of configs/sources.yaml, a dataset version such as flights@7, or a file",
    )
    parser.add_argument("-o", dest="path", metavar="FILE", help="write the scored rows: .parquet, .csv, .jsonl, .arrow")
    parser.add_argument("--dataset", metavar="NAME", default="", help="name the scored rows: a version of this dataset")
    parser.add_argument("--keep", metavar="A,B", default="", help="columns to carry over to the scored rows")
    parser.add_argument("--skip-bad", action="store_true", help="put rows aside that the endpoint would refuse")
    parser.add_argument(
        "--batch-rows", type=whole_number(1), default=None, metavar="N", help="score so many rows at once (8192)"
    )
    add_json(parser)
    parser.add_argument("--quiet", action="store_true", help="print no progress")


def execute(arguments: Namespace, name: str) -> int:
    from solvent.cli.progress import make_watcher
    from solvent.cli.run import print_failure
    from solvent.config.project import Project
    from solvent.deploy.scoring import score, scoring_of
    from solvent.errors import SolventError
    from solvent.profiles.files import check_extension
    from solvent.runs import api
    from solvent.runs.launch import launch

    if arguments.path:
        check_extension(arguments.path)
    project = Project.find()
    config = scoring_of(
        arguments.model,
        arguments.source,
        project,
        keep=tuple(filter(None, arguments.keep.split(","))),
        skip_bad=arguments.skip_bad,
        dataset=arguments.dataset,
        batch_rows=arguments.batch_rows,
    )
    watcher = make_watcher(quiet=arguments.quiet or arguments.json)
    options = api.run_options(project, {"engine": "inline"}, watcher, default_engine="inline")
    with watcher:
        launched = launch(
            score, api.resolve(score, project, config, {}), project, api.target_of(score, project), options
        )
    run = api.view(launched, project)
    if launched.error is not None:
        cause = launched.error.__cause__
        if isinstance(cause, SolventError):
            raise cause from launched.error
        print_failure(run, launched.error)
        return launched.error.exit_code if isinstance(launched.error, SolventError) else 1
    return _report(run, config, arguments)


def _report(run: Any, config: Any, arguments: Namespace) -> int:
    from solvent.cli.choices import open_stores
    from solvent.profiles.files import write_file
    from solvent.runs.tables import read_tables

    scored = run["score"][0]
    counts = {name: int(scored.metrics[name]) for name in ("rows", "scored", "refused")}
    if arguments.path:
        with open_stores() as stores:
            write_file(lambda: read_tables(scored.artifacts["rows"], stores) or iter(()), arguments.path)
    facts = {"run": run.id, "model": config.model, "source": arguments.source, "reused": scored.status == "reused"}
    if arguments.json:
        print_json({**facts, **counts, "dataset": arguments.dataset or None, "saved": arguments.path})
        return 0
    reused = ", reused: model and rows are the same" if facts["reused"] else ""
    print(f"{run.id}: {config.model} scored {counts['scored']:,} of {counts['rows']:,} rows{reused}")
    if counts["refused"]:
        print(f"{counts['refused']:,} rows were put aside: `solvent load {run.id}/score.refused` says why")
    if arguments.path:
        print(f"saved {os.path.relpath(arguments.path)}")
    return 0
