"""The interpreter and every installed distribution, found in a millisecond when nothing was installed since."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable
from hashlib import sha256
from typing import Any, NamedTuple

from solvent.config.private import make_folder

_FORMAT = 1
_SETTLED_SECONDS = 2.0
_OLD_FILES = {".egg-info": "PKG-INFO", ".dist-info": "METADATA"}


class Environment(NamedTuple):
    """What the code runs in. Equal digests mean the same interpreter and the same distributions.

    `distributions` are (name, version), sorted; `modules` maps each top-level import name to the distributions that
    hold it; `record` is the JSON to keep, `lock` the requirements text that installs the same again.
    """

    digest: str
    python: str
    platform: str
    distributions: tuple[tuple[str, str], ...]
    modules: dict[str, tuple[str, ...]]
    record: str
    lock: str

    def versions(self, packages: Iterable[str]) -> dict[str, str]:
        """Give the version of each distribution behind these import names; those of no distribution are "unknown"."""
        installed = dict(self.distributions)
        found: dict[str, str] = {}
        for name in sorted(set(packages) - sys.stdlib_module_names):
            for owner in self.modules.get(name, (name,)):
                found[owner] = installed.get(owner, "unknown")
        return found


def capture(cache_folder: str | os.PathLike[str]) -> Environment:
    """Describe the running interpreter; a listing kept in `cache_folder` is used if no distribution changed since."""
    folders = _site_folders()
    cache = os.path.join(cache_folder, f"environment-{_name_of(folders)}.json")
    known = _read(cache)
    listing, state = _state(folders, known["listing"] if known else {})
    if known and known["state"] == state:
        if known["listing"] != listing:
            _write(cache, {**known, "listing": listing})
        return _revive(known)
    environment = _describe(state)
    _write(cache, {"listing": listing, "state": state, "environment": environment._asdict()})
    return environment


def _site_folders() -> list[str]:
    """Folders of sys.path that may hold distributions: all but the standard library's."""
    library = os.path.dirname(os.__file__)
    own = {library, os.path.join(library, "lib-dynload")}
    paths = dict.fromkeys(os.path.abspath(path) for path in sys.path)
    return [path for path in paths if path not in own and os.path.isdir(path)]


def _name_of(folders: list[str]) -> str:
    text = "\0".join([str(_FORMAT), sys.version, sys.prefix, *folders])
    return sha256(os.fsencode(text)).hexdigest()[:16]


def _state(folders: list[str], known: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    """Stat every distribution; a folder is listed again only if its own time changed."""
    listing: dict[str, Any] = {}
    state: list[Any] = []
    for folder in folders:
        try:
            changed = os.stat(folder).st_mtime_ns
            held = known.get(folder)
            names = held[1] if held and held[0] == changed else _list(folder)
        except OSError:
            continue
        # A change within the clock's grain of the listing could go unseen, so such a listing is not kept.
        settled = time.time() - changed / 1e9 > _SETTLED_SECONDS
        listing[folder] = [changed if settled else 0, names]
        state.append([folder, [[name, *_stat(os.path.join(folder, name))] for name in names]])
    return listing, state


def _list(folder: str) -> list[str]:
    """Names of the metadata files of all distributions in a folder."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            inner = _OLD_FILES.get(entry.name[-10:]) or _OLD_FILES.get(entry.name[-9:])
            if inner:
                found.append(f"{entry.name}/{inner}" if entry.is_dir() else entry.name)
    return sorted(found)


def _stat(path: str) -> list[int]:
    try:
        seen = os.stat(path)
    except OSError:
        return []
    return [seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns]


def _describe(state: list[Any]) -> Environment:
    from solvent.environments.lock import lock_text
    from solvent.environments.packages import read_distributions

    found = read_distributions(state)
    distributions = tuple((each.name, each.version) for each in found)
    modules: dict[str, tuple[str, ...]] = {}
    for each in found:
        for name in each.modules:
            modules[name] = (*modules.get(name, ()), each.name)
    lock = lock_text(found)
    platform = f"{sys.platform}-{_machine()}"
    about = {
        "implementation": sys.implementation.name,
        "python": sys.version.split()[0],
        "platform": platform,
        "distributions": dict(distributions),
    }
    record = json.dumps(about, sort_keys=True)
    digest = sha256(f"{record}\n{lock}".encode()).hexdigest()
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return Environment(digest, python, platform, distributions, modules, record, lock)


def _machine() -> str:
    if hasattr(os, "uname"):
        return os.uname().machine
    return os.environ.get("PROCESSOR_ARCHITECTURE", "unknown").lower()


def _revive(known: dict[str, Any]) -> Environment:
    fields = dict(known["environment"])
    fields["distributions"] = tuple((name, version) for name, version in fields["distributions"])
    fields["modules"] = {name: tuple(owners) for name, owners in fields["modules"].items()}
    return Environment(**fields)


def _read(path: str) -> dict[str, Any] | None:
    try:
        with open(path, encoding="utf-8") as file:
            known = json.load(file)
        return known if known["environment"]["record"] and isinstance(known["listing"], dict) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(path: str, content: dict[str, Any]) -> None:
    """Keep the listing for the next time; a folder that can't be written costs only time."""
    temporary = f"{path}.{os.getpid()}"
    try:
        make_folder(os.path.dirname(path))
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(content, file)
        os.replace(temporary, path)
    except OSError:
        return
