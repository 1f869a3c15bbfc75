"""`solvent bundle`: cut an endpoint out of a recorded run and write it as a folder that runs anywhere."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from solvent.cli.choices import add_json, open_stores
from solvent.cli.output import print_json

if TYPE_CHECKING:
    from solvent.serving.folder import Bundle


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument("endpoint", metavar="ENDPOINT", help="its name, or path/file.py:NAME")
    parser.add_argument("--run", metavar="RUN", help="the run to cut it out of; the newest that is done by default")
    parser.add_argument(
        "-o", dest="folder", metavar="FOLDER", help="where to write it; by default named after it, here"
    )
    parser.add_argument(
        "--oci",
        metavar="BASE",
        help="write an image on this base as well, a folder or tar archive in the OCI layout: to FOLDER.oci",
    )
    parser.add_argument(
        "--containerfile",
        action="store_true",
        help="write FOLDER.Containerfile as well, for docker, podman and buildah",
    )
    parser.add_argument("--force", action="store_true", help="replace a bundle of another endpoint too")
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    from solvent.deploy.endpoints import choose_run, find_endpoint
    from solvent.deploy.folders import replacing
    from solvent.deploy.slicing import declared, write_bundle
    from solvent.serving.folder import open_bundle

    with open_stores() as stores:
        endpoint = find_endpoint(arguments.endpoint, stores)
        run, told = choose_run(endpoint, arguments.run, stores)
        if told:
            print(told, file=sys.stderr)
        folder = arguments.folder or endpoint.name
        with replacing(folder, endpoint.name, forced=arguments.force) as made:
            write_bundle(declared(endpoint), run.id, stores, made)
    bundle = open_bundle(os.path.abspath(folder))
    also = _write_images(arguments, bundle)
    if arguments.json:
        print_json({**_as_json(bundle, run.id, folder), **also})
    else:
        print(f"wrote {folder}: {endpoint.name} of run {run.id}, bundle {bundle.digest[:12]}")
        for kind in bundle.manifest.pickled:
            print(f"  a {kind} is stored with pickle: loading it runs what it names", file=sys.stderr)
        for what, path in also.items():
            print(f"wrote {os.path.relpath(path)}" + (", an image in the OCI layout" if what == "image" else ""))
    return 0


def _write_images(arguments: Namespace, bundle: Bundle) -> dict[str, str]:
    """Write what was asked for beside the bundle, and say where it is."""
    from solvent.deploy.images import containerfile, write_image

    written: dict[str, str] = {}
    if arguments.containerfile:
        written["containerfile"] = f"{bundle.folder}.Containerfile"
        with open(written["containerfile"], "w", encoding="utf-8") as file:
            file.write(containerfile(bundle))
    if arguments.oci:
        written["image"] = write_image(bundle, arguments.oci, f"{bundle.folder}.oci").folder
    return written


def _as_json(bundle: Bundle, run: str, folder: str) -> dict[str, object]:
    manifest = bundle.manifest
    return {
        "endpoint": manifest.endpoint,
        "run": run,
        "folder": folder,
        "digest": bundle.digest,
        "pickled": manifest.pickled,
        "packages": dict(manifest.packages),
    }
