"""Files of an object store, by any URL that fsspec knows: one, a pattern, or a folder."""

from __future__ import annotations

import hashlib
from typing import Any

from solvent.config.masking import masked, without_passwords
from solvent.errors import SolventError, SourceError
from solvent.fingerprint.files import digest_manifest
from solvent.sources.catalogue import Entry, guess_format
from solvent.sources.places import format_of, revealed
from solvent.sources.records import UNVERSIONED, Opened
from solvent.sources.rows import missing_library
from solvent.sources.tables import open_files

_VERSIONS = ("ETag", "etag", "md5Hash", "content_md5", "generation")


class Objects:
    """Reads objects; their version is what the store tells of each: an ETag or the like, else their content."""

    def __init__(self, entry: Entry, location: str, form: str) -> None:
        self.entry = entry
        self.kind = form
        self.shown = self.place = without_passwords(entry.location)
        self._location = location

    def version(self) -> str:
        return self._version(*self._found()[:2])

    def open(self) -> Opened:
        from pyarrow.fs import FSSpecHandler, PyFileSystem

        system, infos, base = self._found()
        version = self._version(system, infos)
        paths = [info["name"] for info in infos]
        form = self.kind or format_of(self.entry, paths[0])
        data = open_files(self.entry, form, paths, base, PyFileSystem(FSSpecHandler(system)))
        return Opened(data, version, lambda: self.version() == version)

    def _found(self) -> tuple[Any, list[dict[str, Any]], str]:
        """Give the file system, what it tells of each object in the order of their names, and the folder of all."""
        try:
            import fsspec
        except ImportError as error:
            raise missing_library(self.entry, error, "") from None
        try:
            storage = revealed(dict(self.entry.options.get("storage", {})))
            system, path = fsspec.core.url_to_fs(self._location, use_listings_cache=False, **storage)
            return self._listed(system, path)
        except ImportError as error:
            raise missing_library(self.entry, error, "") from None
        except SolventError:
            raise
        except Exception as error:  # each store has errors of its own
            what = str(error).partition("\n")[0] or type(error).__name__
            raise self._error(f"{self.shown} can't be read: {what}", "are location and credentials right?") from None

    def _listed(self, system: Any, path: str) -> tuple[Any, list[dict[str, Any]], str]:
        if "*" in path or "?" in path:
            found = system.glob(path, detail=True)
            base = path[: min(path.find(each) for each in "*?" if each in path)].rpartition("/")[0]
        elif system.isdir(path):
            every = system.find(path, detail=True)
            found = {name: info for name, info in every.items() if self._counts(name[len(path) :])}
            base = path
        else:
            return system, [system.info(path)], path.rpartition("/")[0]
        infos = [found[name] for name in sorted(found) if found[name].get("type") != "directory"]
        if not infos:
            raise self._error(f"there is nothing at {self.shown}", "is the location right?")
        return system, infos, base

    def _counts(self, name: str) -> bool:
        parts = name.strip("/").split("/")
        form = guess_format(parts[-1])
        return (
            not any(part.startswith((".", "_")) for part in parts) and form is not None and form in (self.kind or form)
        )

    def _version(self, system: Any, infos: list[dict[str, Any]]) -> str:
        if self.entry.version == "none":
            return UNVERSIONED
        entries = [(info["name"], str(info.get("size")), self._told(system, info)) for info in infos]
        return f"objects {digest_manifest(entries)[:32]}"

    def _told(self, system: Any, info: dict[str, Any]) -> str:
        if self.entry.version != "content":
            told = next((str(info[key]) for key in _VERSIONS if info.get(key)), None)
            if told is not None:
                return told
        hashed = hashlib.sha256()
        with system.open(info["name"], "rb") as file:
            while piece := file.read(1 << 20):
                hashed.update(piece)
        return hashed.hexdigest()

    def _error(self, what: str, hint: str) -> SourceError:
        return SourceError(masked(f"source `{self.entry.name}`: {what}"), where=self.entry.where, hint=hint)
