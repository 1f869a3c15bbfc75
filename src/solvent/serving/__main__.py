"""`python -m solvent.serving FOLDER`: serve a bundle, with no store, no database and no network."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any

from solvent.errors import SolventError
from solvent.serving.control import Control, Place, write_control
from solvent.serving.options import add_options, settings_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until stopped; exit code 2 if the bundle is not as it should be."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = ArgumentParser(prog="python -m solvent.serving", description="Serve a bundle.", allow_abbrev=False)
    parser.add_argument("folder", metavar="FOLDER", nargs="?", help="the folder of a bundle")
    parser.add_argument("--control", metavar="FILE", help="serve what this file says, and follow it")
    parser.add_argument("--inherited", help=SUPPRESS)
    parser.add_argument("--json", action="store_true", help="tell what happens as JSON, one object a line")
    add_options(parser)
    options = parser.parse_args(given)
    if (options.folder is None) == (options.control is None):
        parser.error("give FOLDER, or --control FILE")
    try:
        return _inherit(options) if options.inherited else _serve(options, given)
    except SolventError as error:
        print(f"solvent: {error}", file=sys.stderr)
        return error.exit_code


def _serve(options: Namespace, given: list[str]) -> int:
    from solvent.serving.launch import count_workers, listen, printer

    _keys(options)
    settings = settings_of(options)
    with tempfile.TemporaryDirectory(prefix="solvent-serving-") as place:
        control = options.control or os.path.join(place, "control.json")
        if options.folder is not None:
            write_control(control, Control((_place(options.folder, settings.replay),)))
        count = options.workers or count_workers(control)
        listening = listen(options)
        tell = printer(listening, options.json)
        if count == 1:
            from solvent.serving.process import work

            with listening:
                work(listening, control, settings, _keys(options), tell)
            return 0
        from solvent.serving.supervisor import Supervisor

        words = [*given, *([] if options.control else ["--control", control])]
        command = [sys.executable, "-P", "-m", "solvent.serving", *_without(words, options.folder)]
        return Supervisor(listening, command, count, tell, settings.stop_seconds).run()


def _inherit(options: Namespace) -> int:
    """Be one worker of several: the socket and the way to the supervisor come from it."""
    from solvent.serving.process import teller, work

    listening, channel = (socket.socket(fileno=int(each)) for each in options.inherited.split(","))
    work(listening, options.control, settings_of(options), _keys(options), teller(channel), channel)
    return 0


def _place(folder: str, replay: bool) -> Place:
    from solvent.serving.environment import open_fitting

    bundle = open_fitting(folder, replay=replay)
    return Place(bundle.manifest.endpoint, os.path.abspath(folder), bundle.digest)


def _keys(options: Namespace) -> Any:
    from solvent.serving.keys import read_keys, require_keys

    keys = read_keys(options.keys_file)
    if options.socket is None:
        require_keys(options.host, keys, allow_anyone=options.allow_anyone_on_the_network)
    return keys


def _without(words: list[str], folder: str | None) -> list[str]:
    """Leave out the folder of a bundle: workers are told by the control file."""
    words = list(words)
    if folder is not None:
        words.remove(folder)
    return words


if __name__ == "__main__":
    sys.exit(main())
