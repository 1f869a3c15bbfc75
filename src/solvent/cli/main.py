"""The entry of the command line: finds the command, runs it, and turns errors into words and exit codes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from solvent.config.masking import masked
from solvent.errors import SolventError, nearest, way_out

if TYPE_CHECKING:
    from argparse import ArgumentParser

COMMANDS = {
    "init": ("project", "make a project: a package, a pipeline, configs, a test"),
    "run": ("run", "run a pipeline"),
    "plan": ("plan", "say what a run would do, without running"),
    "why": ("why", "say why steps ran or were reused"),
    "runs": ("runs", "list runs"),
    "show": ("show", "show a run and its steps, or one step run"),
    "log": ("log", "print what steps printed"),
    "diff": ("diff", "compare two runs: only what differs"),
    "artifacts": ("artifacts", "list the outputs of a run, or show one"),
    "data": ("data", "list datasets, or the versions of one; show a version"),
    "data show": ("data", "show a dataset or one of its versions"),
    "data diff": ("datadiff", "compare two versions: rows, schema, columns, drift, and what used them"),
    "data history": ("data", "a statistic over the versions of a dataset"),
    "data remove": ("data", "give up the bytes of a version; the next clean-up takes them"),
    "sources": ("sources", "list the data sources that the project shares"),
    "sources show": ("sources", "show a source: where it is, its version, its columns, its first rows"),
    "sources profile": ("sources", "the statistics of a source, read in batches"),
    "sources check": ("sources", "say which sources can be read"),
    "schema": ("schema", "show what is expected of a dataset; write it to a file, or read it from one"),
    "accept": ("schema", "let a dataset's schema expect what a version is like"),
    "load": ("load", "show a dataset version or an output, or write it to a file"),
    "report": ("report", "make a page to look at, as one HTML file"),
    "report run": ("report", "the page of a run: what changed, graph, metrics, figures, steps, logs"),
    "report data": ("report", "the page of a table: alerts, columns over another version, history"),
    "report model": ("report", "the page of a verification: contract, steps row by row, replay, costs"),
    "report compare": ("report", "the page of 2 to 20 runs side by side: only what differs"),
    "bundle": ("bundle", "cut an endpoint out of a recorded run, as a folder that serves it anywhere"),
    "score": ("score", "apply a model to a table of any size, as a recorded run"),
    "deploy": ("deploy", "verify an endpoint of a run, and make it a version if it keeps its contract"),
    "promote": ("deploy", "point an alias at a version"),
    "rollback": ("deploy", "point an alias at the version that it pointed at before"),
    "models": ("models", "list the endpoints that were deployed, or the versions of one"),
    "models compare": ("compare", "two versions on the same rows: their metrics with paired intervals"),
    "models history": ("models", "every move of an endpoint's aliases: when, who, why"),
    "monitor": ("monitor", "what an endpoint was asked and answered: drift, skew, quality; 1 if something alerts"),
    "serve": ("serve", "answer requests with the model that an alias points at, and follow it"),
    "lineage": ("lineage", "walk from an artifact to its sources and its consumers"),
    "note": ("annotate", "add a note to a run, step run, artifact or dataset"),
    "export": ("export", "write OpenLineage events, a Croissant dataset or a model card"),
    "tag": ("annotate", "add or remove tags"),
    "trust": ("trust", "vouch for an artifact of another project whose reading runs code"),
    "copy": ("copy", "copy runs and their artifacts to another store, or from one"),
    "clean": ("clean", "remove old runs, and bytes that nothing needs"),
    "pin": ("pin", "keep a run or artifact from every clean-up"),
    "config": ("config", "explain where each value of a config comes from"),
    "verify": ("verify", "read all that is stored, find what is damaged, and repair it"),
    "remake": ("verify", "make an artifact or a run again, and check that it is the same"),
    "doctor": ("doctor", "check the project, its store and its environment"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code: 0 done, 1 a step failed, 2 wrong input, 130 interrupted."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _dispatch(given)
    except SolventError as error:
        print(f"solvent: {masked(str(error))}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone, as `head` does; there is nobody left to tell.
        sys.stderr.close()
        return 141
    except OSError as error:
        if not (hint := way_out(error)):
            raise
        # Even our own modules are read from a disk, when they are first needed.
        print(f"solvent: {SolventError(str(error.strerror), where=error.filename, hint=hint)}", file=sys.stderr)
        return 2


def _dispatch(given: list[str]) -> int:
    if given[:1] == ["help"]:
        given = [*given[1:2], "--help"]
    if not given or given[0] in ("-h", "--help"):
        print(_overview())
        return 0
    if given[0] in ("-V", "--version"):
        from solvent import __version__

        print(f"solvent {__version__}")
        return 0
    words = 2 if " ".join(given[:2]) in COMMANDS else 1
    name, rest = " ".join(given[:words]), given[words:]
    if name not in COMMANDS:
        raise SolventError(f"no command {name!r}{nearest(name, COMMANDS)}", hint="`solvent --help` lists the commands")
    command = import_module(f"solvent.cli.{COMMANDS[name][0]}")
    parser = make_parser(name)
    command.add_arguments(parser, name)
    code: int = command.execute(parser.parse_args(rest), name)
    return code


def make_parser(name: str) -> ArgumentParser:
    """Make the parser of one command; it names what was expected as our errors do."""
    from argparse import RawDescriptionHelpFormatter

    from solvent.cli.parsing import Parser

    about = COMMANDS[name][1]
    further = [f"  {other.partition(' ')[2]:9} {text}" for other, (_, text) in COMMANDS.items() if f"{name} " in other]
    return Parser(
        prog=f"solvent {name}",
        description=f"{about[0].upper()}{about[1:]}.",
        epilog="\n".join([f"further: solvent {name} ...", *further]) if further else None,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def _overview() -> str:
    lines = ["Run pipelines of plain functions, reuse what did not change, record all of it.", ""]
    lines += ["usage: solvent COMMAND ...", ""]
    lines += [f"  {name:10} {text}" for name, (_, text) in COMMANDS.items() if " " not in name]
    lines += ["", "`solvent COMMAND --help` explains one; `solvent --version` shows the version."]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
