"""Files on this machine: one, a pattern, or a folder whose folders may name values (`month=3`)."""

from __future__ import annotations

import glob
import os
from typing import TYPE_CHECKING

from solvent.config.masking import masked
from solvent.errors import SourceError
from solvent.fingerprint.files import FileState, digest_file, digest_manifest, file_state, nearest_file
from solvent.sources.catalogue import Entry, guess_format
from solvent.sources.records import UNVERSIONED, Opened

if TYPE_CHECKING:
    from solvent.model import FileMemo


class Files:
    """Reads local files; their version is their content, which a memo knows of files that did not change."""

    def __init__(self, entry: Entry, path: str, form: str, root: str, memo: FileMemo | None) -> None:
        self.entry = entry
        self.path = os.path.normpath(path)
        self.kind = form
        self.shown = entry.location
        self.place = ""
        self._memo = memo

    def version(self) -> str:
        return self._version(self.states())

    def open(self) -> Opened:
        from solvent.sources.tables import open_files

        before = self.states()
        version = self._version(before)
        paths = [state[0] for state in before]
        data = open_files(self.entry, self.form(), paths, self.base())
        return Opened(data, version, lambda: self.states() == before)

    def form(self) -> str:
        """Tell the format, by the name of the first file where the location does not say it."""
        from solvent.sources.places import format_of

        if not self.kind:
            self.kind = format_of(self.entry, self._paths()[0])
        return self.kind

    def base(self) -> str:
        """Give the folder below which folders may name values."""
        if os.path.isdir(self.path):
            return self.path
        folder = os.path.dirname(self.path)
        while glob.has_magic(folder):
            folder = os.path.dirname(folder)
        return folder

    def states(self) -> list[FileState]:
        """Give what the file system says of each file, in the order of their names; SourceError if there is none."""
        try:
            return [file_state(path) for path in self._paths()]
        except OSError as error:
            raise self._unreadable(error) from error

    def _paths(self) -> list[str]:
        if os.path.isdir(self.path):
            found = sorted(_below(self.path, self.kind))
        elif glob.has_magic(self.path) and not os.path.exists(self.path):
            found = sorted(each for each in glob.glob(self.path, recursive=True) if os.path.isfile(each))
        else:
            return [self.path]
        if not found:
            what = f"no {self.kind or 'data'} file in" if os.path.isdir(self.path) else "no file matches"
            raise SourceError(
                f"source `{self.entry.name}`: {what} {self.shown}", where=self.entry.where, hint=nearest_file(self.path)
            )
        return found

    def _version(self, states: list[FileState]) -> str:
        if self.entry.version == "none":
            return UNVERSIONED
        memo = self._memo
        if memo is not None and len(states) > 1:
            memo.get_many(states)
        try:
            digests = [digest_file(state[0], memo) for state in states]
        except OSError as error:
            raise self._unreadable(error) from error
        if len(states) == 1 and states[0][0] == self.path:
            return f"content {digests[0][:32]}"
        base = self.base()
        names = [os.path.relpath(state[0], base).replace(os.sep, "/") for state in states]
        sizes = [str(state[3]) for state in states]
        return f"content {digest_manifest(zip(names, sizes, digests, strict=True))[:32]}"

    def _unreadable(self, error: OSError) -> SourceError:
        path = error.filename or self.path
        missing = isinstance(error, FileNotFoundError)
        return SourceError(
            masked(f"source `{self.entry.name}`: {'there is no' if missing else 'can not read'} {path}")
            + ("" if missing else f": {error.strerror}"),
            where=self.entry.where,
            hint=nearest_file(path) if missing else "make it readable",
        )


def _below(folder: str, form: str) -> list[str]:
    """List the data files in a folder and its folders; names that begin with `_` or `.` are not data."""
    found = []
    for here, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [each for each in folders if not each.startswith((".", "_"))]
        for name in files:
            if not name.startswith((".", "_")) and guess_format(name) in ((form,) if form else _KNOWN):
                found.append(os.path.join(here, name))
    return found


_KNOWN = ("csv", "jsonl", "parquet", "arrow")
