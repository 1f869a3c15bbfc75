"""Whether this interpreter is the one that a bundle was made for: its Python, and the libraries that its steps import."""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

from solvent.errors import BundleError
from solvent.serving.folder import LOCK, Bundle, open_bundle
from solvent.serving.manifest import Manifest

_SHOWN = 8


class Difference(NamedTuple):
    """One thing that is not as the bundle expects it; `found` is empty for what is not installed."""

    name: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.name} {self.found or 'is missing'} (expected {self.expected})"


def open_fitting(folder: str, *, replay: bool = False) -> Bundle:
    """Open a bundle that this environment fits.

    BundleError lists what differs; with `replay` that is accepted here, and the warm-up decides by the recorded rows.
    """
    bundle = open_bundle(folder)
    found = [] if replay else differences(bundle.manifest)
    if found:
        raise _refusal(bundle, found)
    return bundle


def differences(manifest: Manifest) -> list[Difference]:
    """Say how this environment differs from the one that a bundle was made in, Python first."""
    python = "{}.{}".format(*sys.version_info)
    found = [] if python == manifest.python else [Difference("Python", manifest.python, python)]
    versions = installed(sys.path) if manifest.packages else {}
    for name, expected in manifest.packages.items():
        version = versions.get(normal_name(name)) or _asked(name)
        if version != expected:
            found.append(Difference(name, expected, version))
    return found


def installed(path: list[str]) -> dict[str, str]:
    """Give the version of each distribution by its normal name, from the names of the folders that describe them.

    Reading those names takes a millisecond; `importlib.metadata` takes twenty for a dozen distributions.
    """
    found: dict[str, str] = {}
    for folder in path:
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        for name in names:
            if name.endswith(".dist-info"):
                title, _, version = name[: -len(".dist-info")].partition("-")
                found.setdefault(normal_name(title), version)
    return found


def normal_name(name: str) -> str:
    """Give the one spelling under which an index knows a distribution."""
    return "-".join(part for part in name.lower().replace("_", "-").replace(".", "-").split("-") if part)


def _asked(name: str) -> str:
    """Ask the metadata of a distribution that no folder of the usual form describes."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _refusal(bundle: Bundle, found: list[Difference]) -> BundleError:
    shown = ", ".join(map(str, found[:_SHOWN])) + (f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else "")
    lock = os.path.join(bundle.folder, LOCK)
    return BundleError(
        f"this environment is not the one that the bundle was made for: {shown}",
        where=bundle.folder,
        hint=f"pip install -r {lock}, or add --replay: it is served if it answers the recorded rows as the run did",
    )
