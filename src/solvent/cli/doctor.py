"""`solvent doctor`: is the project, its store and its environment in order, and if not, what to do."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from typing import Any, NamedTuple

from solvent.cli.choices import add_json
from solvent.cli.output import print_json, wrapped
from solvent.errors import SolventError


class Finding(NamedTuple):
    """One thing that was looked at: "ok", "note" or "wrong"."""

    state: str
    what: str
    detail: str


_LIBRARIES = {
    "pandas": "solvent[data]",
    "pyarrow": "solvent[data]",
    "polars": "solvent[data]",
    "sklearn": "solvent[sklearn]",
    "skops": "solvent[sklearn]",
    "lightgbm": "solvent[lightgbm]",
    "safetensors": "solvent[torch]",
}


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument("--deep", action="store_true", help="read every blob and check its digest")
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    findings = [_python(), *_project(arguments.deep), *_libraries()]
    if arguments.json:
        print_json([each._asdict() for each in findings])
    else:
        for each in findings:
            print("\n".join(wrapped(each.state, f"{each.what}: {each.detail}")))
    return int(any(each.state == "wrong" for each in findings))


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    engine = "processes" if hasattr(os, "fork") else "inline only: this system has no fork"
    return Finding("ok", "python", f"{version} on {sys.platform}, engine {engine}")


def _project(deep: bool) -> list[Finding]:
    from solvent.config.project import Project
    from solvent.runs.stores import Stores

    try:
        project = Project.find()
        found = [Finding("ok", "project", f"{project.root}, store {project.home}")]
        if not os.path.isdir(project.home):
            return [*found, Finding("note", "store", "there is none yet; the first run makes it")]
        with Stores(project, create=False) as stores:
            return [*found, *_store(stores, deep)]
    except SolventError as error:
        return [Finding("wrong", "project", f"{error.problem} {error.hint or ''}".strip())]


def _store(stores: Any, deep: bool) -> list[Finding]:
    damage = stores.metadata.check()
    if damage:
        return [Finding("wrong", "metadata", f"{damage[0]}; restore metadata.sqlite from a backup")]
    missing, count = _missing_blobs(stores, deep)
    found = [Finding("ok", "metadata", "no damage found")]
    if missing:
        detail = f"{len(missing)} of {count} are missing or damaged, the first is {missing[0][:12]}"
        found.append(Finding("wrong", "blobs", f"{detail}; the steps that made them will run again"))
    else:
        found.append(Finding("ok", "blobs", f"all {count} are there{', and their digests are right' if deep else ''}"))
    return [*found, _interrupted(stores)]


def _missing_blobs(stores: Any, deep: bool) -> tuple[list[str], int]:
    from solvent.model import Blob

    missing, count = [], 0
    for digest, size_bytes in stores.metadata.all_blobs():
        count += 1
        blob = Blob(digest, size_bytes)
        if not (stores.blobs.has(blob) and (not deep or _is_sound(stores.blobs, blob))):
            missing.append(digest)
    return missing, count


def _is_sound(blobs: Any, blob: Any) -> bool:
    try:
        blobs.read(blob)
    except SolventError:
        return False
    return True


def _interrupted(stores: Any) -> Finding:
    from solvent.runs.lives import status_of

    runs = stores.metadata.list_runs(status="running", limit=100)
    dead = [run.id for run in runs if status_of(run, stores.locks) == "interrupted"]
    if dead:
        return Finding("note", "interrupted", f"{', '.join(dead[:3])}; run the same again and it goes on from there")
    return Finding("ok", "runs", "none was left behind")


def _libraries() -> list[Finding]:
    from importlib.util import find_spec

    absent = [name for name in _LIBRARIES if find_spec(name) is None]
    there = [name for name in _LIBRARIES if name not in absent]
    found = [Finding("ok", "libraries", f"{', '.join(there) or 'none of the optional ones'}")]
    if absent:
        extras = ", ".join(sorted({_LIBRARIES[name] for name in absent}))
        found.append(Finding("note", "not installed", f"{', '.join(absent)}; pip install {extras}"))
    return found
