"""The base of an image: an OCI layout that the user names, the one image in it that fits here, and the Python in that."""

from __future__ import annotations

import json
import os
import platform
import re
import sys
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import file_digest
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from solvent.errors import BundleError

INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
_NAME = "org.opencontainers.image.ref.name"
_HINT = "`skopeo copy docker://IMAGE oci:FOLDER`, or `podman save --format oci-dir`, writes one"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}
_PYTHON = re.compile(r"(?:\./)?((?:usr/local/|usr/|opt/[\w.-]+/)?bin/python3\.(\d+))$")
_MUSL = re.compile(r"(?:\./)?(?:usr/)?lib/ld-musl-")


class Base(NamedTuple):
    """An image to build on: its manifest, its config, its layers as descriptors, and its Python's path."""

    layout: str
    config: dict[str, Any]
    layers: list[dict[str, Any]]
    python: str

    def blob(self, digest: str) -> str:
        return blob_path(self.layout, digest)


@contextmanager
def opened_base(named: str, python: str) -> Iterator[Base]:
    """Open a layout, a folder or a tar archive of one, with `:TAG` after it where it holds several images.

    BundleError if it is none, if a file of it was altered, or if the bundle's Python ("3.11") or this platform is not its.
    """
    path, tag = (named, "") if os.path.exists(named) else _split(named)
    if os.path.isdir(path):
        yield _read_base(path, tag, python)
        return
    with TemporaryDirectory(prefix="solvent-image-") as folder:
        try:
            with tarfile.open(path) as tar:
                tar.extractall(folder, filter="data")
        except (OSError, tarfile.TarError) as error:
            raise BundleError(f"the base image {path} can't be read: {error}", hint=_HINT) from error
        yield _read_base(folder, tag, python)


def blob_path(layout: str, digest: str) -> str:
    """Name the file of a blob; BundleError for a digest of another kind."""
    kind, _, found = digest.partition(":")
    if kind != "sha256" or not re.fullmatch("[0-9a-f]{64}", found):
        raise BundleError(f"the image has a digest that can't be read: {digest!r}")
    return os.path.join(layout, "blobs", kind, found)


def this_platform() -> tuple[str, str]:
    """Name system and architecture in the words of images."""
    machine = platform.machine().lower()
    return sys.platform, _ARCHITECTURES.get(machine, machine)


def _split(named: str) -> tuple[str, str]:
    path, _, tag = named.rpartition(":")
    if not path or not os.path.exists(path):
        raise BundleError(f"no base image at {named}", hint=_HINT)
    return path, tag


def _read_base(layout: str, tag: str, python: str) -> Base:
    try:
        with open(os.path.join(layout, "index.json"), "rb") as file:
            index = json.load(file)
        fitting = list(_fitting(layout, index, tag))
        if len(fitting) != 1:
            raise _ambiguous(layout, index, tag, fitting)
        manifest = _blob(layout, fitting[0]["digest"])
        config = _blob(layout, manifest["config"]["digest"])
        layers = list(manifest["layers"])
        system, machine = this_platform()
        if (config["os"], config["architecture"]) != (system, machine):
            raise BundleError(
                f"the base image is for {config['os']}/{config['architecture']}, and this is {system}/{machine}",
                hint="the libraries are copied from here: use a base of this platform, or --containerfile",
            )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(f"no OCI image layout at {layout}: {error}", hint=_HINT) from error
    return Base(layout, config, layers, _find_python(layout, layers, python))


def _fitting(layout: str, index: Mapping[str, Any], tag: str) -> Iterator[dict[str, Any]]:
    """Give the manifests of an index, and of those within it, that are for this platform."""
    for one in index["manifests"]:
        if tag and one.get("annotations", {}).get(_NAME, tag) != tag:
            continue
        if one.get("mediaType") in INDEXES:
            yield from _fitting(layout, _blob(layout, one["digest"]), "")
            continue
        told = one.get("platform")
        if told is None or (told.get("os"), told.get("architecture")) == this_platform():
            yield one


def _ambiguous(layout: str, index: Mapping[str, Any], tag: str, fitting: list[dict[str, Any]]) -> BundleError:
    names = [name for one in index["manifests"] if (name := one.get("annotations", {}).get(_NAME))]
    listed = f": {', '.join(names)}" if names else ""
    if fitting:
        return BundleError(
            f"the base image {layout} holds {len(fitting)} images for this platform{listed}",
            hint="name one as BASE:TAG",
        )
    named = f" named {tag}" if tag else ""
    return BundleError(f"the base image {layout} holds none{named} for {'/'.join(this_platform())}{listed}", hint=_HINT)


def _blob(layout: str, digest: str) -> Any:
    with open(checked_blob(layout, digest), "rb") as file:
        return json.load(file)


def checked_blob(layout: str, digest: str) -> str:
    """Name the file of a blob whose content is what its name says."""
    path = blob_path(layout, digest)
    with open(path, "rb") as file:
        if file_digest(file, "sha256").hexdigest() != digest.partition(":")[2]:
            raise BundleError(f"the base image was altered: {digest[:19]} is not what its name says", where=layout)
    return path


def _find_python(layout: str, layers: list[dict[str, Any]], python: str) -> str:
    """Find the interpreter of this version among the files of all layers."""
    found: dict[str, int] = {}
    for layer in layers:
        try:
            with tarfile.open(checked_blob(layout, layer["digest"]), "r|*") as tar:
                for entry in tar:
                    if _MUSL.match(entry.name):
                        raise BundleError(
                            "the base image has the C library musl, and the libraries that are copied from here don't",
                            hint="use a base with glibc, or --containerfile",
                        )
                    if matched := _PYTHON.match(entry.name):
                        found[f"/{matched[1]}"] = int(matched[2])
        except tarfile.TarError as error:
            raise BundleError(
                f"a layer of the base image can't be read: {error}",
                hint="it may be compressed with zstd: `skopeo copy --dest-compress-format gzip` writes it again",
            ) from error
    wanted = int(python.partition(".")[2])
    paths = sorted((path for path, minor in found.items() if minor == wanted), key=_order)
    if not paths:
        others = ", ".join(f"3.{minor}" for minor in sorted(set(found.values())))
        raise BundleError(
            f"the base image has {f'Python {others}' if others else 'no Python'}, and the bundle needs Python {python}",
            hint=f"use a base with Python {python}",
        )
    return paths[0]


def _order(path: str) -> tuple[int, str]:
    """Images of Python have theirs in /usr/local, beside that of their system."""
    return (0 if path.startswith("/usr/local/") else 1 if path.startswith("/usr/") else 2), path
