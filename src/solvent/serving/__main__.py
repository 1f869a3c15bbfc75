"""`python -m solvent.serving FOLDER`: serve a bundle, with no store, no database and no network."""

from __future__ import annotations

import os
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from solvent.errors import SolventError
from solvent.serving.control import Control, Place
from solvent.serving.options import add_options


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until stopped; exit code 2 if the bundle is not as it should be."""
    parser = ArgumentParser(prog="python -m solvent.serving", description="Serve a bundle.", allow_abbrev=False)
    parser.add_argument("folder", metavar="FOLDER", nargs="?", help="the folder of a bundle")
    parser.add_argument("--control", metavar="FILE", help="serve what this file says, and follow it")
    parser.add_argument("--json", action="store_true", help="tell what happens as JSON, one object a line")
    add_options(parser)
    given = parser.parse_args(arguments)
    if (given.folder is None) == (given.control is None):
        parser.error("give FOLDER, or --control FILE")
    try:
        return _serve(given)
    except SolventError as error:
        print(f"solvent: {error}", file=sys.stderr)
        return error.exit_code


def _serve(given: Namespace) -> int:
    from solvent.serving.launch import ControlFile, serve

    if given.control:
        return serve(given, given.control, single=True)
    with tempfile.TemporaryDirectory(prefix="solvent-serving-", ignore_cleanup_errors=True) as own:
        file = ControlFile(os.path.join(own, "control.json"))
        file.write(Control((_place(given.folder, given.replay),)))
        return serve(given, file.path, prepare=file.keep, single=True)


def _place(folder: str, replay: bool) -> Place:
    from solvent.serving.environment import open_fitting

    bundle = open_fitting(folder, replay=replay)
    return Place(bundle.manifest.endpoint, os.path.abspath(folder), bundle.digest)


if __name__ == "__main__":
    sys.exit(main())
