"""The cancer bundle with what its run recorded, and altered copies of it, for the tests of verification."""

import json
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from solvent.artifacts.saving import load, save
from solvent.config.project import Project
from solvent.deploy.recorded import read_recorded
from solvent.fingerprint.values import identify
from solvent.runs.stores import Stores
from solvent.serving.folder import ANNOTATIONS, BLOBS, CODE, EXAMPLES, MANIFEST, FolderBlobs
from solvent.serving.manifest import artifact_from, artifact_tree


class Recorded(NamedTuple):
    folder: Path
    request: Any
    response: Any


def recorded_beside(bundle: Path) -> Recorded:
    """Read the request and the response of the run that a bundle beside its store was cut out of."""
    with Stores(Project.find(bundle.parent), create=False) as stores:
        _, request, response, _ = read_recorded(str(bundle), stores)
        return Recorded(bundle, request, response)


class Altered:
    """A copy of a bundle that is altered and signed again, as by somebody who means it.

    Its examples are gone, unless they are kept: the warm-up before the first answer would find most skews.
    """

    def __init__(self, bundle: Path, folder: Path, *, examples: bool = False) -> None:
        self.folder = Path(shutil.copytree(bundle, folder / "bundle"))
        if not examples:
            (self.folder / EXAMPLES).unlink()
        self.tree: dict[str, Any] = json.loads((self.folder / MANIFEST).read_text("utf-8"))

    def code(self, was: str, new: str) -> None:
        """Change a line of the live steps."""
        for file in (self.folder / CODE).rglob("*.py"):
            text = file.read_text("utf-8")
            if was in text:
                file.write_text(text.replace(was, new), "utf-8")
                return
        raise AssertionError(f"{was} is nowhere")

    def frozen(self, change: Callable[[Any], Any]) -> None:
        """Put another value in the place of each frozen one that `change` gives another for."""
        blobs: Any = FolderBlobs(str(self.folder / BLOBS))
        for at, tree in enumerate(self.tree["frozen"]):
            value = load(artifact_from(tree), blobs)
            new = change(value)
            if new is not value:
                self.tree["frozen"][at] = artifact_tree(save(new, identify(new), blobs))

    def sign(self) -> str:
        """Write a manifest that fits the files, and give the folder."""
        left_out = (MANIFEST, ANNOTATIONS)
        files = sorted(each for each in self.folder.rglob("*") if each.is_file() and each.name not in left_out)
        self.tree["files"] = {
            each.relative_to(self.folder).as_posix(): sha256(each.read_bytes()).hexdigest() for each in files
        }
        text = json.dumps(self.tree, sort_keys=True, ensure_ascii=False, indent=1)
        (self.folder / MANIFEST).write_text(text + "\n", "utf-8")
        return str(self.folder)
