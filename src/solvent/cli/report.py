"""`solvent report`: pages to look at, each one HTML file that opens without a network."""

from __future__ import annotations

import re
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from solvent.cli.choices import add_json, open_stores
from solvent.cli.output import print_json
from solvent.runs.words import size_text

if TYPE_CHECKING:
    from solvent.reports.pages import Report
    from solvent.runs.stores import Stores

_DATA = "a dataset version (flights, flights@7, flights@latest~1), RUN/STEP.FIELD, or the beginning of a table's digest"
_MODEL = "a version (delays@3, delays@champion, delays), or the digest of a verification that was refused"


def add_arguments(parser: ArgumentParser, name: str) -> None:
    if name == "report compare":
        return _add_comparison(parser)
    if name == "report model":
        parser.add_argument("what", metavar="MODEL", help=_MODEL)
    elif name == "report run":
        parser.add_argument("what", metavar="RUN", nargs="?", default="latest", help="a run; the latest by default")
    else:
        parser.add_argument("what", metavar="WHAT", help=_DATA)
        parser.add_argument(
            "--against",
            metavar="OTHER",
            help="lay it over another one; a dataset version is laid over the one before it",
        )
    parser.add_argument("-o", dest="path", metavar="FILE", help="the file to write; by default named after WHAT, here")
    add_json(parser)


def _add_comparison(parser: ArgumentParser) -> None:
    parser.add_argument("runs", metavar="RUN", nargs="+", help="2 to 20 runs; the others are seen against the first")
    parser.add_argument(
        "-o", dest="path", metavar="FILE", help="the file to write; by default named after the runs, here"
    )
    parser.add_argument("--csv", metavar="FILE", help="write all that was compared as a table, too")
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    if name == "report compare":
        return _compare(arguments)
    with open_stores() as stores:
        made = _PAGES[name](arguments, stores)
    path = made.save(arguments.path or f"{_file_name(made.title)}.html")
    if arguments.json:
        print_json({"path": str(path), "title": made.title, "size_bytes": made.size_bytes})
    else:
        print(f"wrote {path}: {size_text(made.size_bytes)}")
    return 0


def _run_page(arguments: Namespace, stores: Stores) -> Report:
    from solvent.reports.run import run_report
    from solvent.runs.views import Run

    return run_report(Run(stores.metadata.find_run(arguments.what), stores), stores)


def _model_page(arguments: Namespace, stores: Stores) -> Report:
    """Make the page of a verification, of a version or named by its digest: a refused one has no version."""
    from solvent.deploy.registry import find_model, read_verification
    from solvent.errors import NotFoundError
    from solvent.reports.verification import verification_report
    from solvent.serving.verification import read_verification as read_json

    what: str = arguments.what
    try:
        version = find_model(what, stores)
    except NotFoundError:
        if not re.fullmatch("[0-9a-f]{8,64}", what):
            raise
        return verification_report(read_json(stores.load(stores.metadata.find_artifact(what))))
    return verification_report(read_verification(version, stores), f"{version.row.endpoint}@{version.row.number}")


def _data_page(arguments: Namespace, stores: Stores) -> Report:
    from solvent.reports.data import data_report

    return data_report(arguments.what, stores, against=arguments.against)


_PAGES = {"report": _data_page, "report run": _run_page, "report data": _data_page, "report model": _model_page}


def _compare(arguments: Namespace) -> int:
    from solvent.reports.comparison import compare_runs, comparison_report

    with open_stores() as stores:
        compared = compare_runs(arguments.runs, stores)
        made = comparison_report(compared)
    path = made.save(arguments.path or f"{_file_name(made.title)}.html")
    table = compared.save_csv(arguments.csv) if arguments.csv else None
    if arguments.json:
        csv = {} if table is None else {"csv": str(table)}
        print_json({"path": str(path), "title": made.title, "size_bytes": made.size_bytes, **csv})
    else:
        print(f"wrote {path}: {size_text(made.size_bytes)}")
        if table is not None:
            print(f"wrote {table}: {size_text(table.stat().st_size)}")
    return 0


def _file_name(title: str) -> str:
    return re.sub(r"[^\w.-]+", "-", title.replace("@", "-")).strip("-.") or "report"
