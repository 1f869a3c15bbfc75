"""A file behind HTTP or HTTPS: fetched in whole, so that what is read is one version of it."""

from __future__ import annotations

import hashlib
import http.client
import os
import shutil
import tempfile
import urllib.error
import urllib.request
import weakref
from collections.abc import Iterator, Sequence
from typing import Any

from solvent.config.masking import masked, without_passwords
from solvent.errors import SourceError
from solvent.sources.catalogue import Entry
from solvent.sources.places import revealed
from solvent.sources.records import UNVERSIONED, Columns, Opened, Where
from solvent.sources.tables import FileData, open_files

_TIMEOUT_SECONDS = 60.0


class Fetched:
    """A file in a folder that goes with it: so nothing that is read later may be made of the file alone."""

    dataset: Any = None
    paths: Sequence[str] = ()
    file: FileData

    def __init__(self, entry: Entry, folder: str) -> None:
        self.entry = entry
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)

    @property
    def schema(self) -> Any:
        return self.file.schema

    def table(self, columns: Columns, where: Where) -> Any:
        return self.file.table(columns, where)

    def batches(self, columns: Columns, where: Where, batch_rows: int) -> Iterator[Any]:
        yield from self.file.batches(columns, where, batch_rows)


class WebFile:
    """Reads a URL; its version is its ETag, else when it was last modified, else its content."""

    def __init__(self, entry: Entry, location: str, form: str) -> None:
        self.entry = entry
        self.kind = form
        self.shown = self.place = without_passwords(entry.location)
        self._location = location

    def version(self) -> str:
        if self.entry.version == "none":
            return UNVERSIONED
        if self.entry.version != "content":
            try:
                with self._ask("HEAD") as answer:
                    told = _told(answer.headers)
            except SourceError:
                told = None  # there are servers that know GET alone
            if told is not None:
                return told
        with self._ask("GET") as answer:
            told = None if self.entry.version == "content" else _told(answer.headers)
            return told or f"content {_digest(answer)}"

    def open(self) -> Opened:
        folder = tempfile.mkdtemp(prefix="solvent-source-")
        fetched = Fetched(self.entry, folder)
        name = os.path.basename(self._location.partition("?")[0]) or "file"
        path = os.path.join(folder, name)
        with self._ask("GET") as answer, open(path, "wb") as file:
            try:
                shutil.copyfileobj(answer, file)
            except (OSError, http.client.HTTPException) as error:
                raise self._error(f"the connection broke: {error}", "run it again") from None
            told = None if self.entry.version == "content" else _told(answer.headers)
        if self.entry.version == "none":
            version = UNVERSIONED
        else:
            with open(path, "rb") as file:
                version = told or f"content {_digest(file)}"
        fetched.file = open_files(self.entry, self.kind, [path], folder)
        return Opened(fetched, version, lambda: True)

    def _ask(self, method: str) -> Any:
        options = self.entry.options
        headers = revealed(dict(options.get("headers", {})))
        request = urllib.request.Request(self._location, headers=headers, method=method)
        try:
            return urllib.request.urlopen(request, timeout=options.get("timeout_seconds", _TIMEOUT_SECONDS))
        except urllib.error.HTTPError as error:
            with error:
                refused = error.code in (401, 403)
            raise self._error(
                f"the server says {error.code} {error.reason}",
                "are the credentials in `options: {headers: ...}` right?" if refused else "is the location right?",
            ) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            why = getattr(error, "reason", error)
            raise self._error(f"{self.shown} can't be reached: {why}", "is the location right?") from None

    def _error(self, what: str, hint: str) -> SourceError:
        return SourceError(masked(f"source `{self.entry.name}`: {what}"), where=self.entry.where, hint=hint)


def _told(headers: Any) -> str | None:
    """Give the version that a server tells; a weak ETag may be that of other bytes."""
    etag, modified = headers.get("ETag"), headers.get("Last-Modified")
    if etag and not etag.startswith("W/"):
        return f"etag {etag}"
    return f"modified {modified}" if modified else None


def _digest(file: Any) -> str:
    hashed = hashlib.sha256()
    while piece := file.read(1 << 20):
        hashed.update(piece)
    return hashed.hexdigest()[:32]
