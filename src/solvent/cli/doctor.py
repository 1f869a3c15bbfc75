"""`solvent doctor`: is the project, its store and its environment in order, and if not, what to do."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import Any, NamedTuple

from solvent.cli.choices import add_json
from solvent.cli.output import print_json, wrapped
from solvent.config.private import open_to_others
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
"""Optional libraries by import name, with what to install for each."""


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
    if hasattr(os, "fork"):
        return Finding("ok", "python", f"{version} on {sys.platform}; workers are forked")
    return Finding("note", "python", f"{version} on {sys.platform}; no fork, so each worker starts anew")


def _project(deep: bool) -> Iterator[Finding]:
    from solvent.config.project import Project
    from solvent.runs.stores import Stores

    try:
        project = Project.find()
        yield _place(project)
        shared = project.settings.metadata is not None
        if not shared and not os.path.exists(os.path.join(project.home, "metadata.sqlite")):
            yield Finding("note", "store", f"none at {project.home} yet; the first run makes it")
            return
        # A shared one is made at once: this tells whether the user may.
        with Stores(project, create=shared) as stores:
            yield from _store(stores, deep)
            yield _environment(stores)
    except SolventError as error:
        where = f" ({error.where})" if error.where else ""
        yield Finding("wrong", "project", f"{error.problem}{where} {error.hint or ''}".strip())


def _place(project: Any) -> Finding:
    names = [name for name in ("solvent.toml", "pyproject.toml") if os.path.isfile(os.path.join(project.root, name))]
    if names:
        return Finding("ok", "project", f"{project.root}, by its {names[0]}")
    hint = "with a pyproject.toml or solvent.toml its subfolders belong to it too"
    return Finding("note", "project", f"{project.root}, which has no project file; {hint}")


def _name(stores: Any) -> Finding:
    """Two projects of one name in one store could not be told apart."""
    from solvent.config.naming import declared_name

    project = stores.project
    shared = stores.metadata_url is not None or not stores.home.startswith(os.path.join(project.root, ""))
    if shared and not project.settings.project and not declared_name(project.root):
        hint = "set `project`, so that no other folder of that name is taken for it"
        return Finding("note", "name", f"{project.name}, by its folder alone, in a store outside it; {hint}")
    return Finding("ok", "name", f"{project.name}, of the project in this store")


def _store(stores: Any, deep: bool) -> Iterator[Finding]:
    from solvent.metadata.migrations import SCHEMA

    yield Finding("ok", "store", f"{_where(stores)}, schema {SCHEMA}")
    if stores.place.artifacts:
        yield Finding("ok", "artifacts", _shown(stores.place.artifacts))
    yield from _shared(stores)
    yield _name(stores)
    if open_to_others(stores.home):
        detail = f"others on this machine may look into {stores.home}"
        yield Finding("note", "private", f"{detail}; unless that is meant: chmod -R go-rwx {stores.home}")
    damage = stores.metadata.check()
    if damage:
        what = "the database" if stores.metadata_url else "metadata.sqlite"
        yield Finding("wrong", "metadata", f"{damage[0]}; restore {what} from a backup")
        return
    yield Finding("ok", "metadata", "no damage found")
    yield _blobs(stores, deep)
    yield _interrupted(stores)


def _where(stores: Any) -> str:
    return str(stores.metadata.path) if stores.metadata_url else str(stores.home)


def _shown(url: str) -> str:
    from solvent.artifacts.addresses import shown

    return shown(url)


def _shared(stores: Any) -> Iterator[Finding]:
    """Say what a team must know of a store that it shares."""
    for weakness in stores.metadata.weaknesses():
        yield Finding("note", "durability", weakness)
    if stores.metadata_url and not stores.place.artifacts:
        detail = f"only in {stores.home}, on this machine; set `artifacts` so that the others can read them"
        yield Finding("note", "artifacts", detail)


def _blobs(stores: Any, deep: bool) -> Finding:
    wrong, count = _read_blobs(stores) if deep else _look_for_blobs(stores)
    if wrong:
        detail = f"{len(wrong)} of {count} are missing or damaged, the first is {wrong[0][:12]}"
        return Finding("wrong", "blobs", f"{detail}; `solvent verify --repair` puts back what can be made again")
    if not count:
        return Finding("ok", "blobs", "none yet")
    return Finding("ok", "blobs", f"all {count} are there, {'and their digests' if deep else 'their sizes'} are right")


def _look_for_blobs(stores: Any) -> tuple[list[str], int]:
    from solvent.metadata.dropped import list_dropped
    from solvent.model import Blob

    dropped = {each.digest for each in list_dropped(stores.metadata)}
    wanted = [Blob(*each) for each in stores.metadata.all_blobs()]
    missing = [blob.digest for blob in stores.blobs.missing(wanted) if blob.digest not in dropped]
    return missing, len(wanted)


def _read_blobs(stores: Any) -> tuple[list[str], int]:
    from solvent.artifacts.checking import LINK, LOOSE
    from solvent.runs.audit import audit

    found = audit(stores)
    wrong = [each.blob.digest for each in found.findings if each.role and each.fault.kind not in (LINK, LOOSE)]
    return wrong, found.total


def _interrupted(stores: Any) -> Finding:
    from solvent.runs.lives import status_of

    runs = stores.metadata.list_runs(status="running", limit=100)
    dead = [run.id for run in runs if status_of(run, stores.locks) == "interrupted"]
    if dead:
        more = f" and {len(dead) - 3} more" if len(dead) > 3 else ""
        detail = f"{', '.join(dead[:3])}{more}; run the same again and it goes on from there"
        return Finding("note", "interrupted", detail)
    alive = f"{len(runs)} running, " if runs else ""
    return Finding("ok", "runs", f"{alive}none was left behind")


def _environment(stores: Any) -> Finding:
    from solvent.environments.capture import capture

    environment = capture(stores.cache_folder)
    detail = f"{len(environment.distributions)} distributions, {environment.digest[:12]}"
    latest = stores.metadata.list_runs(limit=1)
    if latest and latest[0].environment not in (None, environment.digest):
        return Finding("note", "environment", f"{detail}; the latest run had another one")
    return Finding("ok", "environment", detail)


def _libraries() -> Iterator[Finding]:
    from importlib.util import find_spec

    absent = [name for name in _LIBRARIES if find_spec(name) is None]
    there = [name for name in _LIBRARIES if name not in absent]
    yield Finding("ok", "libraries", f"{', '.join(there) or 'none of the optional ones'}")
    if absent:
        extras = ", ".join(f"'{extra}'" for extra in sorted({_LIBRARIES[name] for name in absent}))
        yield Finding("note", "not installed", f"{', '.join(absent)}; pip install {extras.replace(',', '')}")
