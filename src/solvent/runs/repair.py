"""Putting back what is missing from a store: from the project's own files, or by making it again."""

from __future__ import annotations

import os
from collections.abc import Iterable
from hashlib import sha256
from typing import TYPE_CHECKING

from solvent.artifacts.checking import LINK, LOOSE, UNREADABLE, check_blob, make_firm, make_own, set_aside
from solvent.artifacts.store import LocalBlobs
from solvent.environments.git import start_git
from solvent.errors import SolventError
from solvent.metadata.dropped import forget_dropped
from solvent.metadata.makers import files_of_run, holders_of_blob
from solvent.metadata.results import Name
from solvent.model import Blob
from solvent.runs.audit import RUNS_TRIED, Finding
from solvent.runs.beside import writing
from solvent.runs.moved import taken_again
from solvent.runs.remake import Remaking, Tell, remake

if TYPE_CHECKING:
    from solvent.runs.stores import Stores


class Repair:
    """Mends what an audit found; `lost` says, by digest, why a blob could not be put back."""

    def __init__(self, stores: Stores, *, uncached: bool, tell: Tell | None) -> None:
        self.lost: dict[str, str] = {}
        self.remaking = Remaking([], [])
        self._stores = stores
        self._uncached = uncached
        self._tell = tell

    def mend(self, findings: Iterable[Finding], back: list[str]) -> None:
        """Mend all, sources first: what is made again needs them."""
        stores = self._stores
        with stores.metadata.transaction():
            forget_dropped(stores.metadata, back)
        with writing(stores.locks):
            waiting = [each for each in findings if not self._mend_in_place(each)]
            for finding in waiting:
                self._put_back_record(finding)
            stores.blobs.sync()
        self._make_again([each for each in waiting if each.role == "artifact"])

    def _mend_in_place(self, finding: Finding) -> bool:
        """Mend what has the right bytes; take the rest out of the way. Tell whether nothing is left to do."""
        blobs, blob, kind = self._stores.blobs, finding.blob, finding.fault.kind
        try:
            if isinstance(blobs, LocalBlobs) and kind in (LINK, LOOSE, UNREADABLE):
                if kind == LINK:
                    make_own(blobs, blob)
                else:
                    make_firm(blobs, blob)
                if check_blob(blobs, blob) is None:
                    return True
            set_aside(blobs, blob)
        except SolventError as error:
            self.lost[blob.digest] = error.problem
        return finding.role == ""

    def _put_back_record(self, finding: Finding) -> None:
        """Find the bytes of a snapshot, source file or diff in the project as it is now."""
        if finding.role not in ("snapshot", "source", "git_diff"):
            return
        try:
            data = next((each for each in self._candidates(finding) if _digest(each) == finding.blob.digest), None)
            if data is not None:
                self._stores.blobs.put(data, finding.blob.role)
                return
            self.lost[finding.blob.digest] = "the project's files are not as they were then"
        except (OSError, SolventError) as error:
            self.lost[finding.blob.digest] = str(error)

    def _candidates(self, finding: Finding) -> Iterable[bytes]:
        root = str(self._stores.project.root)
        if finding.role == "git_diff":
            yield start_git(root).join().diff
            return
        if finding.role == "snapshot":
            snapshot = taken_again(self._stores, finding.blob.digest, finding.runs[:RUNS_TRIED])
            if snapshot is not None:
                yield snapshot.manifest.encode()
            return
        below = finding.path.rpartition("@outside/")[2].replace("/", os.sep)
        yield from _contents([os.path.join(root, below)])
        for run_id in finding.runs[:RUNS_TRIED]:
            folders = _folders_above(files_of_run(self._stores.metadata, run_id))
            yield from _contents(os.path.join(folder, below) for folder in folders)

    def _make_again(self, findings: list[Finding]) -> None:
        stores = self._stores
        owners = {each.blob.digest: holders_of_blob(stores.metadata, each.blob.digest) for each in findings}
        names = dict.fromkeys(name for found in owners.values() for name in found)
        self.remaking = remake(stores, names, uncached=self._uncached, tell=self._tell)
        why: dict[Name, str] = {(each.digest, each.type): each.why for each in self.remaking.artifacts}
        for finding in findings:
            if self._is_gone(finding.blob):
                told = [why[name] for name in owners[finding.blob.digest] if why[name]]
                self.lost[finding.blob.digest] = told[0] if told else "it was made again, but in other bytes"

    def _is_gone(self, blob: Blob) -> bool:
        """Whether a blob is missing and still named; what was written anew may have other bytes of equal content."""
        named = holders_of_blob(self._stores.metadata, blob.digest)
        return bool(named) and bool(self._stores.blobs.missing([blob]))


def _contents(paths: Iterable[str]) -> Iterable[bytes]:
    for path in paths:
        if os.path.isfile(path):
            with open(path, "rb") as file:
                yield file.read()


def _folders_above(files: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for file in files:
        while (folder := os.path.dirname(file)) not in (file, *found):
            found.add(folder)
            file = folder
    return found


def _digest(data: bytes) -> str:
    return sha256(data).hexdigest()
