"""The files of the distributions of a lock, as they are installed here."""

from __future__ import annotations

import os
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec

from solvent.deploy.layers import files_below
from solvent.deploy.locks import parse
from solvent.errors import BundleError

_LEFT_OUT = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json"})
"""They say how and from where it was installed here, which is no part of what is installed."""


def installed_files(lock: str, place: str) -> dict[str, str]:
    """List the files of all distributions of a lock, by their places below `place` in an image.

    BundleError for one that is not installed here, or in another version, or without a list of its files.
    """
    found: dict[str, str] = {}
    for line in filter(None, map(str.strip, lock.splitlines())):
        one = parse(line)
        known = _distribution(one.name, line)
        version = one.rest.partition("==")[2].strip()
        if version and known.version != version:
            raise BundleError(
                f"{one.name} {known.version} is installed here, and the lock has {version}",
                hint="compose the image in the environment of the run, or use --containerfile",
            )
        found.update(_files_of(known, place))
    return found


def _distribution(name: str, line: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError:
        raise BundleError(
            f"{line} is in the lock and not installed here: its files can't be copied",
            hint="install it (`pip install 'solvent[serve]'` has what a server needs), or use --containerfile",
        ) from None


def _files_of(one: Distribution, place: str) -> dict[str, str]:
    if one.files is None:
        raise BundleError(
            f"{one.name} has no list of its files: it was installed by something else than pip",
            hint="compose the image in a virtual environment, or use --containerfile",
        )
    files: dict[str, str] = {}
    linked = False
    for each in one.files:
        name = each.as_posix()
        linked = linked or ("/" not in name and name.endswith(".pth"))
        if name.startswith(("..", "/")) or "__pycache__" in each.parts or each.name in _LEFT_OUT:
            continue
        files[f"{place}/{name}"] = str(one.locate_file(each))
    if linked:
        files = {name: path for name, path in files.items() if not name.endswith(".pth")}
        files |= _source_of(one, place)
    return {name: path for name, path in files.items() if os.path.isfile(path)}


def _source_of(one: Distribution, place: str) -> dict[str, str]:
    """List the package of a distribution that was installed as a link to its source."""
    name = one.name.replace("-", "_")
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return {}
    return files_below(next(iter(spec.submodule_search_locations)), f"{place}/{name}")
