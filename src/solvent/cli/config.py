"""`solvent config explain`: every value of a pipeline's config and where it came from."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from solvent.cli.choices import add_config, add_json, chosen
from solvent.cli.output import print_json, table


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument("verb", choices=("explain",), help="explain: show each value and its source")
    add_config(parser)
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    from solvent.config.project import Project
    from solvent.config.resolve import explain
    from solvent.runs import api
    from solvent.runs.target import load_pipeline

    pipeline = load_pipeline(arguments.target)
    project = Project.find(profile=arguments.profile)
    rows = explain(api.resolve(pipeline, project, None, chosen(arguments)))
    if arguments.json:
        print_json([{"name": name, "value": value, "source": source} for name, value, source in rows])
    else:
        print(table(("name", "value", "source"), rows, stretch=1) if rows else f"{pipeline.name} takes no config")
    return 0
