"""Bundles written by hand, for tests of the serving side: plain Python and NumPy, ready in a moment."""

import json
import platform
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from solvent.artifacts.saving import save
from solvent.fingerprint.values import identify
from solvent.serving.folder import ANNOTATIONS, BLOBS, CODE, EXAMPLES, MANIFEST, FolderBlobs
from solvent.serving.holes import CALL, FROZEN, REQUEST, Hole
from solvent.serving.manifest import Call, Manifest
from solvent.serving.schema import Column, Schema

STEPS = """
import numpy as np
from solvent import step
import tiny_rates

@step
def predict(model, rows):
    return rows @ model + tiny_rates.OFFSET
"""
WEIGHTS = (1.0, 10.0)


def write_tiny(folder: Path, offset: float, steps: str = STEPS, packages: Mapping[str, str] | None = None) -> Path:
    """Write a bundle that answers a + 10 b + offset; the offset is in a module, so that mixed-up code shows."""
    import numpy as np

    blobs: Any = FolderBlobs(str(folder / BLOBS))
    model = np.array(WEIGHTS)
    template = {"model": Hole(FROZEN, 0), "rows": Hole(REQUEST)}
    call = Call("predict", "tiny_steps:predict", save(template, identify(template, path="predict"), blobs), (), "")
    frozen = save(model, identify(model), blobs)
    code = {"tiny_steps": steps, "tiny_rates": f"OFFSET = {offset!r}\n"}
    (folder / CODE).mkdir(parents=True, exist_ok=True)
    for name, text in code.items():
        (folder / CODE / f"{name}.py").write_text(text)
    rows = {"a": [0.5, 1.5], "b": [1.0, 2.0]}
    answers = [a + 10 * b + offset for a, b in zip(rows["a"], rows["b"], strict=True)]
    (folder / EXAMPLES).write_text(json.dumps({"request": rows, "response": {"value": answers}}))
    digests = {
        str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    manifest = Manifest(
        endpoint="tiny",
        python=".".join(platform.python_version_tuple()[:2]),
        packages=packages or {},
        calls=(call,),
        frozen=(frozen,),
        answer=Hole(CALL, 0),
        request=Schema("numpy:ndarray", (_column("a"), _column("b")), (2,)),
        response=Schema("numpy:ndarray", (_column("value"),), ()),
        files=digests,
    )
    (folder / MANIFEST).write_bytes(manifest.to_bytes())
    (folder / ANNOTATIONS).write_text("{}")
    return folder


def _column(name: str) -> Column:
    return Column(name, "float64", "number")
