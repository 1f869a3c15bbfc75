"""Options that several commands share."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

from solvent.cli.parsing import whole_number
from solvent.config.project import Project, StepSettings
from solvent.errors import ConfigError, NotFoundError, SolventError, nearest
from solvent.runs.stores import Stores

if TYPE_CHECKING:
    from solvent.runs.views import Run, StepRun

_STEP_OPTIONS = {"cpus": float, "memory_mb": int, "gpus": int, "retries": int, "timeout_seconds": float}


def add_json(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")


def add_config(parser: ArgumentParser) -> None:
    """Add what chooses the config of a pipeline."""
    parser.add_argument(
        "target", metavar="TARGET", help="path/file.py, path/file.py:pipeline or package.module:pipeline"
    )
    parser.add_argument("--set", action="append", default=[], metavar="A.B=1", dest="sets", help="set one config value")
    parser.add_argument(
        "--config", action="append", default=[], metavar="FILE", dest="config_files", help="read a config file"
    )
    parser.add_argument("--profile", metavar="NAME", help="read configs/NAME.yaml above configs/base.yaml")


def add_running(parser: ArgumentParser) -> None:
    """Add what says how to run."""
    parser.add_argument("--engine", metavar="NAME", help="inline or processes (the default)")
    parser.add_argument(
        "--workers", type=whole_number(), metavar="N", help="worker processes; as many as cores by default"
    )
    parser.add_argument("--seed", type=whole_number(), metavar="N", dest="run_seed", help="the run seed (0)")
    parser.add_argument("--no-cache", action="store_false", dest="reuse", help="reuse nothing")
    parser.add_argument("--fresh", action="store_true", help="adopt nothing of an interrupted run")
    parser.add_argument(
        "--step", action="append", default=[], metavar="NAME.cpus=2", help="set what one step takes, * for all"
    )
    parser.add_argument("--keep-going", action="store_true", help="after a failure run what does not depend on it")


def chosen(arguments: Namespace) -> dict[str, Any]:
    """Give what was asked for, as `solvent.run` takes it."""
    names = ("sets", "config_files", "profile", "engine", "workers", "run_seed", "reuse", "fresh", "keep_going")
    found = {name: getattr(arguments, name) for name in names if hasattr(arguments, name)}
    found["steps"] = _steps(getattr(arguments, "step", []))
    if found.get("workers") is not None and found["workers"] < 1:
        raise ConfigError(f"--workers {found['workers']}: expected at least 1")
    return found


def _steps(given: list[str]) -> dict[str, dict[str, Any]]:
    """Read `--step fit.cpus=2`."""
    found: dict[str, dict[str, Any]] = {}
    for text in given:
        path, equals, value = text.partition("=")
        name, dot, setting = path.rpartition(".")
        if not (dot and equals and name and setting in _STEP_OPTIONS):
            raise ConfigError(
                f"--step {text}: expected NAME.SETTING=VALUE{nearest(setting, StepSettings._fields)}",
                hint=f"settings: {', '.join(StepSettings._fields)}; NAME is a step's name, or * for all",
            )
        found.setdefault(name, {})[setting] = _amount(text, value, _STEP_OPTIONS[setting])
    return found


def _amount(text: str, value: str, kind: type[int] | type[float]) -> float:
    from math import isfinite

    word = "a whole number" if kind is int else "a number"
    try:
        amount = kind(value)
    except ValueError:
        raise ConfigError(f"--step {text}: expected {word}, found {value!r}") from None
    if not isfinite(amount) or amount < 0:
        raise ConfigError(f"--step {text}: expected {word} of at least 0, found {value!r}")
    return amount


def agreed(arguments: Namespace, consequence: str, hint: str, *, question: str) -> bool:
    """Ask whether something may be given up. Where nobody can answer, SolventError says what is needed."""
    import sys

    if arguments.json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise SolventError(consequence, hint=hint)
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() in ("y", "yes"):
        return True
    print("nothing was removed", file=sys.stderr)
    return False


def open_stores() -> Stores:
    """Open the stores of the project around the working directory; StoreError if nothing was run here yet."""
    return Stores(Project.find(), create=False)


def find_run_or_step(reference: str, stores: Stores) -> Run | StepRun:
    """Find what a person means by RUN, RUN/STEP, or STEP of the latest run.

    A word that is both, such as a step `add` beside a run that ends with "add", is the step.
    """
    from solvent.runs.references import find_step_run
    from solvent.runs.views import Run

    if "/" in reference:
        return find_step_run(reference, stores)[0]
    if reference[:1].isdigit() or reference.partition("~")[0] == "latest":
        return Run(stores.metadata.find_run(reference), stores)
    try:
        return find_step_run(reference, stores)[0]
    except NotFoundError as no_step:
        try:
            return Run(stores.metadata.find_run(reference), stores)
        except NotFoundError:
            raise no_step from None
