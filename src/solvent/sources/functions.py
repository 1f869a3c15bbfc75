"""A function of the project that gives a table; its options are its keyword arguments."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from solvent.config.masking import masked
from solvent.errors import SolventError, SourceError, nearest
from solvent.sources.catalogue import Entry
from solvent.sources.places import revealed
from solvent.sources.records import UNVERSIONED, Opened
from solvent.sources.rows import RowData


class Function:
    """Calls a function; its version is its code, unless `version` names a function that tells it."""

    kind = "function"

    def __init__(self, entry: Entry, location: str, root: str) -> None:
        self.entry = entry
        self.shown = self.place = location
        self._root = root

    def version(self) -> str:
        if self.entry.version == "none":
            return UNVERSIONED
        if self.entry.version == "function":
            return f"function {self._call(self.entry.asked, {})}"
        from solvent.fingerprint.code import fingerprint_code

        return f"code {fingerprint_code(self._found(self.shown)).digest[:32]}"

    def open(self) -> Opened:
        from solvent.sources.session import apart

        version = apart(self.version)
        return Opened(RowData(self.entry, self._batches), version, lambda: bool(apart(self.version) == version))

    def _batches(self) -> Iterator[Any]:
        import pyarrow as pa

        found = self._call(self.shown, revealed(dict(self.entry.options)))
        if isinstance(found, pa.RecordBatchReader) or hasattr(found, "__next__"):
            yield from found
            return
        try:
            table = _as_arrow(found)
        except (pa.ArrowException, TypeError) as error:
            raise self._error(f"{self.shown} gave {type(found).__name__}, and no table: {error}") from error
        yield from table.to_batches() or [pa.RecordBatch.from_pylist([], schema=table.schema)]

    def _call(self, name: str, given: dict[str, Any]) -> Any:
        function = self._found(name)
        try:
            return function(**given)
        except SolventError:
            raise
        except Exception as error:  # the user's function may fail in any way
            raise self._error(f"{name} raised {type(error).__name__}: {error}") from error

    def _found(self, name: str) -> Any:
        module_name, _, path = name.partition(":")
        if self._root and self._root not in sys.path:
            sys.path.append(self._root)
        try:
            found: Any = import_module(module_name)
        except ImportError as error:
            raise self._error(f"the module {module_name} can't be imported: {error}") from error
        for part in path.split("."):
            if not hasattr(found, part):
                raise self._error(f"{module_name} has no {part!r}{nearest(part, vars(found))}")
            found = getattr(found, part)
        return found

    def _error(self, what: str) -> SourceError:
        return SourceError(
            masked(f"source `{self.entry.name}`: {what}"),
            where=self.entry.where,
            hint="name a function that gives a table, as package.module:function",
        )


def _as_arrow(found: Any) -> Any:
    import pyarrow as pa

    if isinstance(found, pa.Table):
        return found
    if isinstance(found, list):
        return pa.Table.from_pylist(found)
    if type(found).__module__.startswith("pandas"):
        return pa.Table.from_pandas(found, preserve_index=False)
    if hasattr(found, "collect"):
        found = found.collect()
    return pa.table(found)
