"""`solvent plan`: what a run would do, without running."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from solvent.cli.choices import add_config, add_json, add_running, chosen
from solvent.cli.output import print_json, width


def add_arguments(parser: ArgumentParser, name: str) -> None:
    add_config(parser)
    add_running(parser)
    parser.add_argument("--mermaid", action="store_true", help="print the graph as a Mermaid flowchart")
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    from solvent.config.project import Project
    from solvent.plan.draw import draw_mermaid, draw_plan, plan_rows
    from solvent.runs import api
    from solvent.runs.events import Silent
    from solvent.runs.planning import make_plan
    from solvent.runs.target import load_pipeline

    options = chosen(arguments)
    pipeline = load_pipeline(arguments.target)
    project = Project.find(profile=arguments.profile)
    resolved = api.resolve(pipeline, project, None, options)
    run_options = api.run_options(project, options, Silent(), default_engine="processes")
    plan = make_plan(pipeline, resolved, project, run_options)
    if arguments.json:
        stop = plan.stop.call.step.spec.name if plan.stop else None
        print_json({"pipeline": plan.pipeline, "seconds": plan.seconds, "stops_at": stop, "steps": plan_rows(plan)})
    else:
        print(draw_mermaid(plan) if arguments.mermaid else draw_plan(plan, width()))
    return 0
