"""What a store holds after something went wrong, and whether all of it is whole."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

from solvent.artifacts.store import LocalBlobs
from solvent.metadata.store import MetadataStore
from solvent.model import Blob

NOTE = """
import os


def note(name):
    # A write, not a read, so it is no observation.
    descriptor = os.open("executed.txt", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{name}\\n".encode())
    os.close(descriptor)
"""
"""For programs under test: `note("name occurrence")` in a step tells `executed` of it."""


def executed(root: Path) -> Counter[str]:
    """Count how often each call was executed, committed or not."""
    path = root / "executed.txt"
    return Counter(path.read_text().splitlines()) if path.exists() else Counter()


def committed(home: Path) -> set[str]:
    """Name the executions that the store holds as done."""
    if not (home / "metadata.sqlite").exists():
        return set()
    with MetadataStore.open(home / "metadata.sqlite") as metadata:
        rows = metadata.rows("SELECT name, occurrence FROM step_runs WHERE status = 'done' AND source_run IS NULL")
    return {f"{name} {occurrence}" for name, occurrence in rows}


def run_status(home: Path, id: str) -> str:
    with MetadataStore.open(home / "metadata.sqlite") as metadata:
        return metadata.find_run(id).status


def check_store(home: Path) -> int:
    """Every row's bytes are present and have the digest that the row says; so has every blob that has its name.

    Gives the number of blobs that rows name.
    """
    if not (home / "metadata.sqlite").exists():
        return 0
    blobs = LocalBlobs(str(home))
    with MetadataStore.open(home / "metadata.sqlite") as metadata:
        assert metadata.check() == []
        assert metadata.rows("PRAGMA foreign_key_check") == []
        needed = list(metadata.all_blobs())
        other = metadata.rows("SELECT snapshot FROM runs WHERE snapshot IS NOT NULL")
        other += metadata.rows("SELECT git_diff FROM runs WHERE git_diff IS NOT NULL")
        results = metadata.rows("SELECT result FROM runs WHERE result IS NOT NULL")
        known = set(metadata.rows("SELECT digest, type FROM artifacts"))
    for digest, size_bytes in needed:
        blobs.read(Blob(digest, size_bytes))
    for (digest,) in other:
        read_named(home, digest)
    for (text,) in results:
        check_result(json.loads(text), known)
    for digest in all_names(home):
        read_named(home, digest)
    return len(needed)


def check_result(said: object, known: set[tuple[str, str]]) -> None:
    """Every artifact that a run's result names is in the store."""
    if isinstance(said, dict):
        if "artifact" in said:
            assert tuple(said["artifact"][:2]) in known, said
        for part in said.values():
            check_result(part, known)
    elif isinstance(said, list):
        for part in said:
            check_result(part, known)


def all_names(home: Path) -> list[str]:
    """Name every blob that has its final name, needed or not."""
    return [path.parent.name + path.name for path in home.glob("objects/??/*") if len(path.name) == 62]


def read_named(home: Path, digest: str) -> bytes:
    data = (home / "objects" / digest[:2] / digest[2:]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == digest, f"{digest} is not whole"
    return data


def outputs(home: Path, run_id: str) -> dict[str, list[str]]:
    """Give the digests of what each call of a run gave, wherever it was executed."""
    with MetadataStore.open(home / "metadata.sqlite") as metadata:
        rows = metadata.rows(
            "SELECT s.name, s.occurrence, s.status, o.digest FROM step_runs s LEFT JOIN outputs o"
            " ON o.run_id = COALESCE(s.source_run, s.run_id) AND o.position = COALESCE(s.source_position, s.position)"
            " WHERE s.run_id = ? ORDER BY s.position, o.ordinal",
            (metadata.find_run(run_id).id,),
        )
    found: dict[str, list[str]] = {}
    for name, occurrence, status, digest in rows:
        found.setdefault(f"{name} {occurrence}", []).append(digest or status)
    return found
