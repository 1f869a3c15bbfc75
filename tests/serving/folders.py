"""Bundles of no endpoint in particular: folders with a manifest, for what looks at nothing else."""

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from solvent.model import ArtifactRef, Blob, Identity
from solvent.serving.folder import LOCK, MANIFEST
from solvent.serving.holes import Hole
from solvent.serving.manifest import Manifest
from solvent.serving.schema import Column, Schema

CODE = "def step():\n    return 1\n"
WEIGHTS = b"weights"


def make_manifest(
    *,
    python: str = "3.11",
    packages: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
    format: str = "bytes",
) -> Manifest:
    """Make a manifest with one frozen artifact, whose blob is WEIGHTS."""
    digest = sha256(WEIGHTS).hexdigest()
    frozen = ArtifactRef(Identity("1" * 64, "builtins:bytes"), format, 7, None, (Blob(digest, 7, ""),))
    schema = Schema("numpy:ndarray", (Column("x", "float64", "number"),), (1,))
    listed = {f"blobs/{digest}": digest} if files is None else files
    return Manifest("thing", python, packages or {}, (), (frozen,), Hole("frozen", 0), schema, schema, listed)


def make_folder(
    folder: Path, *, python: str = "3.11", packages: Mapping[str, str] | None = None, lock: str = ""
) -> Path:
    """Write a bundle with a module, a package and a blob."""
    texts = {"code/one.py": CODE, "code/kit/__init__.py": "", LOCK: lock}
    files = {name: text.encode() for name, text in texts.items()} | {f"blobs/{sha256(WEIGHTS).hexdigest()}": WEIGHTS}
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    digests = {name: sha256(data).hexdigest() for name, data in files.items()}
    (folder / MANIFEST).write_bytes(make_manifest(python=python, packages=packages, files=digests).to_bytes())
    return folder


def signed_again(bundle: Path, **changes: object) -> Path:
    """Write a manifest that fits the files of an altered bundle, as somebody who means it would."""
    tree = json.loads((bundle / MANIFEST).read_text("utf-8"))
    tree["files"] = {name: sha256((bundle / name).read_bytes()).hexdigest() for name in tree["files"]}
    (bundle / MANIFEST).write_text(json.dumps(tree | changes, sort_keys=True, ensure_ascii=False, indent=1) + "\n")
    return bundle
