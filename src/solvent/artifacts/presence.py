"""Which blobs an object store has, asked in few requests.

A single question is cheapest for a blob or two. When many are asked, at once or one after the other, the size of the store
is estimated from one of its 256 folders, and it is listed as a whole as soon as that takes no more requests than the
questions have: so a store of 10,000 blobs costs some 20 requests, and a store of millions at most three times the fewest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from solvent.artifacts.remote import Found, Remote
from solvent.artifacts.store import UNKNOWN_BYTES
from solvent.model import Blob

FRESH_SECONDS = 600.0
"""How long an answer counts; after that another machine may have removed the blob in a clean-up."""
_FEW = 2
_SINGLE_QUESTIONS = 12
_PAGE = 1000
_FOLDERS = 256
_AT_ONCE = 8


class Presence:
    """What this process knows of the blobs in a store: what is there, for ten minutes; never what is not."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self._known: dict[str, tuple[int, float]] = {}
        self._questions = 0
        self._pages: int | None = None
        self._listed_at = float("-inf")

    def add(self, digest: str, size_bytes: int) -> None:
        """Note a blob that was seen in the store, or put there, just now."""
        self._known[digest] = (size_bytes, time.monotonic())

    def forget(self, digest: str) -> None:
        self._known.pop(digest, None)

    def knows(self, blob: Blob) -> bool:
        """Tell whether the blob was seen there with its full size a short while ago; a size of -1 is not compared."""
        size, seen_at = self._known.get(blob.digest, (None, 0.0))
        return (
            size is not None and blob.size_bytes in (UNKNOWN_BYTES, size) and seen_at > time.monotonic() - FRESH_SECONDS
        )

    def missing(self, blobs: Iterable[Blob]) -> list[Blob]:
        """Tell which blobs are not in the store with their full size."""
        asked = list(blobs)
        unknown = list({blob.digest: blob for blob in asked if not self.knows(blob)}.values())
        if unknown:
            self._find_out(unknown)
        return [blob for blob in asked if not self.knows(blob)]

    def listing(self) -> Iterator[Found]:
        """Go through all objects of the store."""
        yield from self._list("objects")
        self._questions = 0
        self._listed_at = time.monotonic()

    def _find_out(self, unknown: list[Blob]) -> None:
        if len(unknown) <= _FEW and self._questions + len(unknown) <= _SINGLE_QUESTIONS:
            return self._ask(unknown)
        if self._pages is None:
            folder = unknown[0].digest[:2]
            self._pages = max(1, sum(1 for _ in self._list_folder(folder)) * _FOLDERS // _PAGE)
            unknown = [blob for blob in unknown if blob.digest[:2] != folder]
        folders = sorted({blob.digest[:2] for blob in unknown})
        single = min(len(unknown), len(folders) * -(-self._pages // _FOLDERS))
        lately = self._listed_at > time.monotonic() - FRESH_SECONDS
        if self._pages < single or (self._pages <= single + self._questions and not lately):
            for _ in self.listing():
                pass
        elif single < len(unknown):
            self._questions += single
            at_once(lambda folder: list(self._list_folder(folder)), folders)
        else:
            self._ask(unknown)

    def _ask(self, blobs: list[Blob]) -> None:
        self._questions += len(blobs)
        at_once(self._ask_one, blobs)

    def _ask_one(self, blob: Blob) -> None:
        size = self._remote.size(key_of(blob.digest))
        if size is not None:
            self.add(blob.digest, size)

    def _list_folder(self, folder: str) -> Iterator[Found]:
        self._questions += 1
        return self._list(f"objects/{folder}")

    def _list(self, folder: str) -> Iterator[Found]:
        for found in self._remote.find(folder):
            digest = digest_of(found.key)
            if digest is not None:
                self.add(digest, found.size_bytes)
                yield found


def key_of(digest: str) -> str:
    """Name the object that holds a blob."""
    return f"objects/{digest[:2]}/{digest[2:]}"


def digest_of(key: str) -> str | None:
    """Give the digest of the blob that an object is, None if it is none."""
    top, _, rest = key.partition("/")
    folder, _, name = rest.partition("/")
    return folder + name if top == "objects" and len(folder) == 2 and len(name) == 62 else None


def at_once(work: Callable[[Any], Any], items: list[Any]) -> None:
    """Do the same with each, eight at a time when they are many."""
    if len(items) <= _FEW:
        for item in items:
            work(item)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="solvent-asking") as pool:
        for _ in pool.map(work, items):
            pass
