"""`solvent init`: a project to start from; nothing that exists is overwritten."""

from __future__ import annotations

import keyword
import os
import re
import sys
from argparse import ArgumentParser, Namespace

from solvent.cli.choices import add_json
from solvent.cli.output import print_json
from solvent.errors import ConfigError

_PIPELINE = '''"""A first pipeline: replace the steps by your own."""

from dataclasses import dataclass

from solvent import log, pipeline, step, value


@dataclass(frozen=True)
class Config:
    count: int = 20
    shares: tuple[float, ...] = (0.5, 0.8)


@step
def load(count: int) -> list[float]:
    return [number**0.5 for number in range(count)]


@step
def fit(numbers: list[float], share: float) -> float:
    kept = numbers[: int(len(numbers) * share)]
    return sum(kept) / len(kept)


@step
def score(model: float, numbers: list[float]) -> float:
    error = sum(abs(number - model) for number in numbers) / len(numbers)
    log.metric("error", error)
    return error


@pipeline
def main(config: Config) -> float:
    numbers = load(config.count)
    models = [fit(numbers, share) for share in config.shares]
    errors = [score(model, numbers) for model in models]
    best = min(range(len(errors)), key=lambda index: value(errors[index]))
    return models[best]
'''

_TEST = '''"""Steps and pipelines are plain functions, so tests call them."""

from {package}.pipeline import Config, fit, main


def test_fit_takes_the_mean_of_the_share_that_is_kept():
    assert fit([1.0, 3.0, 100.0, 100.0], 0.5) == 2.0


def test_the_pipeline_is_a_function():
    assert main(Config(count=10)) > 0
'''

_PROJECT = """[project]
name = "{package}"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["solvent"]

[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"

[tool.setuptools]
packages = ["{package}"]

[tool.solvent]
seed = 0

[tool.pytest.ini_options]
pythonpath = ["."]
"""

_CONFIG = """# Values of `Config` in {package}/pipeline.py; --set and profiles lie above them.
count: 20
"""

_TAKEN = ("solvent", "tests", "configs")


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument("folder", metavar="FOLDER", nargs="?", default=".", help="where to make it (here)")
    parser.add_argument("--name", metavar="PACKAGE", help="the package's name; that of the folder by default")
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    folder = os.path.abspath(arguments.folder)
    package = arguments.name or re.sub(r"\W", "_", os.path.basename(folder).lower()).strip("_") or "project"
    _check_name(package)
    made, kept = [], []
    for path, text in _files(package).items():
        full = os.path.join(folder, *path.split("/"))
        if os.path.lexists(full):
            kept.append(path)
            continue
        _write(full, _lock() if text is None else text)
        made.append(path)
    if arguments.json:
        print_json({"folder": folder, "package": package, "made": made, "kept": kept})
        return 0
    for path in made:
        print(f"  made  {path}")
    for path in kept:
        print(f"  kept  {path}, which was there")
    there = "" if folder == os.getcwd() else f"cd {os.path.relpath(folder)} && "
    print(f"run it: {there}solvent run {package}.pipeline:main")
    return 0


def _check_name(package: str) -> None:
    """Refuse a name that can't be imported, or that would hide something else."""
    if not package.isidentifier() or keyword.iskeyword(package):
        problem = f"{package!r} can't be the name of a package"
    elif package in _TAKEN or package in sys.stdlib_module_names:
        problem = f"a package {package!r} would hide another of that name"
    else:
        return
    raise ConfigError(problem, hint="give another: solvent init --name my_project")


def _write(path: str, text: str) -> None:
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise ConfigError(
            f"can't write {path}: {error.strerror}", hint="choose a folder that you may write to"
        ) from error


def _files(package: str) -> dict[str, str | None]:
    """Give the text of each file; None for the lock, which takes a while to find."""
    return {
        "pyproject.toml": _PROJECT.format(package=package),
        f"{package}/__init__.py": "",
        f"{package}/pipeline.py": _PIPELINE,
        "configs/base.yaml": _CONFIG.format(package=package),
        "tests/test_pipeline.py": _TEST.format(package=package),
        "requirements.lock": None,
        ".gitignore": ".solvent/\n__pycache__/\n",
    }


def _lock() -> str:
    from tempfile import TemporaryDirectory

    from solvent.environments.capture import capture

    with TemporaryDirectory() as cache:
        return capture(cache).lock
