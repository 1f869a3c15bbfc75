"""`solvent config explain`: every value of a pipeline's config and where it came from."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from solvent.cli.choices import add_config, add_json, chosen
from solvent.cli.output import print_json, table
from solvent.cli.parsing import one_of


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument("verb", type=one_of("explain"), metavar="explain", help="show each value and its source")
    add_config(parser)
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    from solvent.config.masking import learn_urls, masked
    from solvent.config.project import Project
    from solvent.config.resolve import explain
    from solvent.runs import api
    from solvent.runs.target import load_pipeline

    pipeline = load_pipeline(arguments.target)
    project = Project.find(profile=arguments.profile)
    resolved = api.resolve(pipeline, project, None, chosen(arguments))
    learn_urls("\n".join(value for _, value, _ in explain(resolved)))
    rows = [(name, masked(value), source) for name, value, source in explain(resolved)]
    if arguments.json:
        print_json([{"name": name, "value": value, "source": source} for name, value, source in rows])
    else:
        print(table(("name", "value", "source"), rows, stretch=1) if rows else f"{pipeline.name} takes no config")
    return 0
