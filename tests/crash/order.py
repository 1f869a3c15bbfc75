"""The durability protocol as the system sees it: what a commit names was synced before, bytes, names and folders."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from tests.crash.tracing import Call

WRITES = ("write", "pwrite64", "writev", "pwritev", "ftruncate", "sendfile", "copy_file_range")


class Disk:
    """What a power cut could still take, by what the calls so far have asked of the system and no more.

    A file's bytes are safe once the file was synced, a name once the folder that holds it was.
    """

    def __init__(self, home: Path) -> None:
        self.home = str(home)
        self.bytes_at_risk: set[str] = set()
        self.names_at_risk: set[str] = set()
        self.made: set[str] = {self.home + "/objects/new"}
        self.blobs: set[str] = set()

    def take(self, call: Call) -> None:
        path = call.paths[0]
        if call.name in WRITES:
            self.bytes_at_risk.add(path)
        elif call.name in ("fsync", "fdatasync"):
            self.bytes_at_risk.discard(path)
            self.names_at_risk = {name for name in self.names_at_risk if os.path.dirname(name) != path}
        elif call.name == "mkdir" and path not in self.made:
            self.made.add(path)  # a second time it only finds it there
            self.names_at_risk.add(path)
        elif call.name.startswith("rename"):
            self._rename(path, call.paths[1])

    def _rename(self, source: str, target: str) -> None:
        if source in self.bytes_at_risk:
            self.bytes_at_risk.discard(source)
            self.bytes_at_risk.add(target)
        self.names_at_risk.add(target)
        self.blobs.add(target)

    def at_risk(self, digest: str) -> list[str]:
        """Say what of a blob a power cut could take now: its bytes, its name, or a folder above it."""
        path = f"{self.home}/objects/{digest[:2]}/{digest[2:]}"
        if path not in self.blobs:
            return []  # the digest of something else
        found = [f"the bytes of {path}"] * (path in self.bytes_at_risk)
        while len(path) >= len(self.home):
            found += [f"the name of {path}"] * (path in self.names_at_risk)
            path = os.path.dirname(path)
        return found


def committed_too_early(calls: Sequence[Call], home: Path) -> list[str]:
    """Say for each commit what it names that a power cut right after it could take."""
    disk, named, found = Disk(home), set[str](), list[str]()
    for number, call in enumerate(calls, 1):
        named.update(call.digests)
        if call.name == "fdatasync" and call.paths[0].endswith("-wal"):
            for digest in sorted(named):
                found += [f"commit at call {number}: {what}" for what in disk.at_risk(digest)]
            named.clear()
        disk.take(call)
    return found


def commits(calls: Sequence[Call]) -> int:
    return sum(call.name == "fdatasync" and call.paths[0].endswith("-wal") for call in calls)
