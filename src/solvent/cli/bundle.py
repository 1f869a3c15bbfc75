"""`solvent bundle`: cut an endpoint out of a recorded run and write it as a folder that runs anywhere."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from solvent.cli.choices import add_json, open_stores
from solvent.cli.output import print_json


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument("endpoint", metavar="ENDPOINT", help="its name, or path/file.py:NAME")
    parser.add_argument("--run", metavar="RUN", help="the run to cut it out of; the newest that is done by default")
    parser.add_argument(
        "-o", dest="folder", metavar="FOLDER", help="where to write it; by default named after it, here"
    )
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    from solvent.deploy.endpoints import choose_run, find_endpoint
    from solvent.deploy.slicing import declared, write_bundle

    with open_stores() as stores:
        endpoint = find_endpoint(arguments.endpoint, stores)
        run, told = choose_run(endpoint, arguments.run, stores)
        if told:
            print(told, file=sys.stderr)
        folder = arguments.folder or endpoint.name
        digest = write_bundle(declared(endpoint), run.id, stores, folder)
    if arguments.json:
        print_json({"endpoint": endpoint.name, "run": run.id, "folder": folder, "digest": digest})
    else:
        print(f"wrote {folder}: {endpoint.name} of run {run.id}, bundle {digest[:12]}")
    return 0
