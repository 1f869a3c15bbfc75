"""A bundle as an image: an OCI layout on a base that the user names, or a Containerfile for those who build."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from hashlib import sha256
from typing import Any, NamedTuple

from solvent.deploy.bases import Base, checked_blob, opened_base
from solvent.deploy.installed import installed_files
from solvent.deploy.layers import Layer, files_below, write_layer
from solvent.errors import BundleError
from solvent.serving.folder import LOCK, Bundle

BUNDLE, LIBRARIES = "bundle", "opt/solvent"
PORT = 8000
USER = "10001:10001"
"""No user of any base: who breaks out of a step owns nothing."""
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
_EPOCH = "1970-01-01T00:00:00Z"
_LABELS = "org.opencontainers.image"


class Image(NamedTuple):
    """A written layout: its folder, the tag in it, and the digest of its manifest."""

    folder: str
    tag: str
    digest: str


def write_image(bundle: Bundle, named: str, folder: str) -> Image:
    """Compose an image of a bundle on the base `named`; the same bundle, base and libraries give the same bytes.

    An earlier layout in `folder` is replaced as a whole, anything else is left alone: BundleError.
    """
    folder = os.path.abspath(folder)
    if os.path.lexists(folder) and not os.path.isfile(os.path.join(folder, "oci-layout")):
        raise BundleError(f"{folder} is there already, and is no image", hint="choose another folder with -o")
    with opened_base(named, bundle.manifest.python) as base:
        own = tempfile.mkdtemp(prefix=".image-", dir=os.path.dirname(folder))
        try:
            made = os.path.join(own, "new")
            image = _compose(bundle, base, made)
            if os.path.lexists(folder):
                os.rename(folder, os.path.join(own, "old"))
            os.rename(made, folder)
        finally:
            shutil.rmtree(own, ignore_errors=True)
    return image._replace(folder=folder)


def _compose(bundle: Bundle, base: Base, folder: str) -> Image:
    blobs = os.path.join(folder, "blobs", "sha256")
    os.makedirs(blobs)
    for layer in base.layers:
        shutil.copy(checked_blob(base.layout, layer["digest"]), blobs)
    with open(os.path.join(bundle.folder, LOCK), encoding="utf-8") as file:
        libraries = installed_files(file.read(), LIBRARIES)
    layers = [write_layer(libraries, blobs), write_layer(files_below(bundle.folder, BUNDLE), blobs)]
    config = _put(blobs, _config(bundle, base, layers), CONFIG_TYPE)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": config,
        "layers": [*base.layers, *(each.descriptor() for each in layers)],
        "annotations": _labels(bundle),
    }
    described = _put(blobs, manifest, MANIFEST_TYPE)
    tag = bundle.digest[:12]
    described["platform"] = {"os": base.config["os"], "architecture": base.config["architecture"]}
    described["annotations"] = {f"{_LABELS}.ref.name": tag}
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [described]}
    for name, tree in (("index.json", index), ("oci-layout", {"imageLayoutVersion": "1.0.0"})):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(_bytes(tree))
    return Image(folder, tag, described["digest"])


def _config(bundle: Bundle, base: Base, layers: list[Layer]) -> dict[str, Any]:
    """Make the config of the image: the base's, started as a server and as nobody."""
    former = dict(base.config.get("config") or {})
    variables = dict(each.partition("=")[::2] for each in former.get("Env") or ())
    variables |= {"PYTHONPATH": f"/{LIBRARIES}", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
    started = former | {
        "Env": [f"{name}={value}" for name, value in variables.items()],
        "Entrypoint": command(base.python),
        "User": USER,
        "WorkingDir": "/",
        "ExposedPorts": {**(former.get("ExposedPorts") or {}), f"{PORT}/tcp": {}},
        "Labels": {**(former.get("Labels") or {}), **_labels(bundle)},
        "StopSignal": "SIGTERM",
    }
    started.pop("Cmd", None)
    words = ("libraries", "bundle")
    return {
        **base.config,
        "created": _EPOCH,
        "config": started,
        "rootfs": {
            "type": "layers",
            "diff_ids": [*base.config["rootfs"]["diff_ids"], *(each.diff_id for each in layers)],
        },
        "history": [
            *(base.config.get("history") or ()),
            *({"created": _EPOCH, "created_by": f"solvent bundle: {word}"} for word in words),
        ],
    }


def command(python: str) -> list[str]:
    """Give the words that start a server in a container; those of whoever starts it come after them."""
    return [python, "-m", "solvent.serving", f"/{BUNDLE}", "--host", "0.0.0.0", "--port", str(PORT)]


def _labels(bundle: Bundle) -> dict[str, str]:
    return {f"{_LABELS}.title": bundle.manifest.endpoint, "solvent.bundle": bundle.digest}


def _put(blobs: str, tree: Any, kind: str) -> dict[str, Any]:
    data = _bytes(tree)
    digest = sha256(data).hexdigest()
    with open(os.path.join(blobs, digest), "wb") as file:
        file.write(data)
    return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(data)}


def _bytes(tree: Any) -> bytes:
    return json.dumps(tree, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def containerfile(bundle: Bundle) -> str:
    """Write what docker, podman and buildah build an image from, in the folder that holds the bundle's."""
    name = os.path.basename(os.path.abspath(bundle.folder))
    python = bundle.manifest.python
    ready = f"import urllib.request as u; u.urlopen('http://127.0.0.1:{PORT}/v2/health/ready', timeout=2)"
    return f"""\
# Endpoint {bundle.manifest.endpoint}, bundle {bundle.digest[:12]}.
ARG BASE=python:{python}-slim
FROM ${{BASE}}
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
COPY {json.dumps([f"{name}/{LOCK}", f"/{BUNDLE}/"])}
RUN python -m pip install --no-cache-dir -r /{BUNDLE}/{LOCK}
COPY {json.dumps([f"{name}/", f"/{BUNDLE}/"])}
USER {USER}
EXPOSE {PORT}
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD {json.dumps(["python", "-c", ready])}
ENTRYPOINT {json.dumps(command("python"))}
"""
