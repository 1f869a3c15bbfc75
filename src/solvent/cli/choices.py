"""Options that several commands share."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from solvent.config.project import Project, StepSettings
from solvent.errors import ConfigError, nearest
from solvent.runs.stores import Stores


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
    parser.add_argument("--workers", type=int, metavar="N", help="worker processes; as many as cores by default")
    parser.add_argument("--seed", type=int, metavar="N", dest="run_seed", help="the run seed (0)")
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
        name, dot, setting = text.partition("=")[0].rpartition(".")
        value = text.partition("=")[2]
        if not dot or setting not in StepSettings._fields:
            raise ConfigError(
                f"--step {text}: expected NAME.SETTING=VALUE{nearest(setting, StepSettings._fields)}",
                hint=f"settings: {', '.join(StepSettings._fields)}",
            )
        try:
            found.setdefault(name, {})[setting] = float(value) if "." in value else int(value)
        except ValueError:
            raise ConfigError(f"--step {text}: expected a number, found {value!r}") from None
    return found


def open_stores() -> Stores:
    """Open the stores of the project around the working directory; StoreError if nothing was run here yet."""
    return Stores(Project.find(), create=False)
