"""The cancer bundle with what its run recorded, for the tests of verification."""

import json
import shutil
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from solvent.config.project import Project
from solvent.deploy.recorded import read_recorded
from solvent.runs.stores import Stores
from solvent.serving.folder import MANIFEST


class Recorded(NamedTuple):
    folder: Path
    request: Any
    response: Any


def recorded_beside(bundle: Path) -> Recorded:
    """Read the request and the response of the run that a bundle beside its store was cut out of."""
    with Stores(Project.find(bundle.parent), create=False) as stores:
        _, request, response, _ = read_recorded(str(bundle), stores)
        return Recorded(bundle, request, response)


def copied(bundle: Path, folder: Path) -> Path:
    """Copy a bundle, to be altered."""
    return Path(shutil.copytree(bundle, folder / "bundle"))


def signed_again(bundle: Path, **changes: Any) -> Path:
    """Write a manifest that fits the files of an altered bundle, as somebody who means it would."""
    tree = json.loads((bundle / MANIFEST).read_text("utf-8"))
    tree["files"] = {name: sha256((bundle / name).read_bytes()).hexdigest() for name in tree["files"]}
    (bundle / MANIFEST).write_text(json.dumps(tree | changes, sort_keys=True, ensure_ascii=False, indent=1) + "\n")
    return bundle
