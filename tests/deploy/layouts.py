"""Base images for the tests: OCI layouts that hold as little as the composing of an image looks at."""

import gzip
import io
import json
import tarfile
from hashlib import sha256
from pathlib import Path
from typing import Any

from solvent.deploy.bases import this_platform
from solvent.deploy.images import CONFIG_TYPE, MANIFEST_TYPE
from solvent.deploy.layers import LAYER

INDEX = "application/vnd.oci.image.index.v1+json"


def put(layout: Path, data: bytes, kind: str, **more: Any) -> dict[str, Any]:
    digest = sha256(data).hexdigest()
    blobs = layout / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    (blobs / digest).write_bytes(data)
    return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(data), **more}


def put_image(layout: Path, *names: str, architecture: str = "", tag: str = "") -> dict[str, Any]:
    """Put an image with files of these names into a layout, and describe it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name in names:
            tar.addfile(tarfile.TarInfo(name))
    system, machine = this_platform()
    machine = architecture or machine
    config = {
        "os": system,
        "architecture": machine,
        "config": {"Env": ["PATH=/usr/bin", "PYTHONPATH=/gone"], "Cmd": ["sh"], "Labels": {"base": "yes"}},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{sha256(packed.getvalue()).hexdigest()}"]},
    }
    manifest = {
        "schemaVersion": 2,
        "config": put(layout, json.dumps(config).encode(), CONFIG_TYPE),
        "layers": [put(layout, gzip.compress(packed.getvalue(), mtime=0), LAYER)],
    }
    described = put(layout, json.dumps(manifest).encode(), MANIFEST_TYPE)
    described["platform"] = {"os": system, "architecture": machine}
    return described | ({"annotations": {"org.opencontainers.image.ref.name": tag}} if tag else {})


def put_index(layout: Path, *images: dict[str, Any]) -> Path:
    (layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": images}))
    return layout


def make_base(layout: Path, *names: str) -> Path:
    """Make a layout of one image with a Python of this version."""
    return put_index(layout, put_image(layout, *(names or ("usr/bin/python3.11",))))


def read_blob(layout: Path, digest: str) -> Any:
    return json.loads((layout / "blobs" / "sha256" / digest.partition(":")[2]).read_bytes())
