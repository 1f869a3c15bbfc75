"""The statistics of one column of any Arrow type, added piece by piece; parts merge."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from solvent.profiles.records import DOMAIN, TOP, ColumnProfile
from solvent.profiles.tallies import Tally, find_tally
from solvent.profiles.words import is_text, type_words

_IDS = 20
"""So many different values are not by chance all different."""


class Column:
    """One column of a table: rows, nulls, and a tally of the rest; what can't be read becomes the column's problem.

    `held_bytes` of it are kept at most before sketches stand for the rest; None for one that is in memory anyway.
    """

    def __init__(self, name: str, *, words: str | None = None, held_bytes: int | None = None) -> None:
        self.name = name
        self.rows = self.nulls = self.size_bytes = 0
        self.problem: str | None = None
        self._words = words
        self._held_bytes = held_bytes
        self._type: Any = None
        self._tally: Tally | None = None

    def add(self, array: Any) -> None:
        """Take some rows as an Arrow array."""
        self.size_bytes += array.nbytes
        try:
            array = _plain(self._conformed(array))
        except Exception as error:
            self.fail(error, len(array), array.null_count)
            return
        self.rows += len(array)
        self.nulls += array.null_count
        if self.problem is None and self._tally is not None and len(array) > array.null_count:
            try:
                self._tally.add(array if self._tally.takes_nulls or not array.null_count else array.drop_null())
            except Exception as error:  # whatever the column holds, the others go on
                self.fail(error)

    def _conformed(self, array: Any) -> Any:
        """Give an array of the type that the column began with; one of nothing but nulls has the type of what follows."""
        import pyarrow as pa

        if self._type is None or (pa.types.is_null(self._type) and not pa.types.is_null(array.type)):
            self._type = array.type
            self._tally = find_tally(array.type, self._held_bytes)
        alike = array.type == self._type or pa.types.is_null(array.type) or pa.types.is_dictionary(array.type)
        return array if alike else array.cast(self._type)

    def fail(self, error: Exception, rows: int = 0, nulls: int = 0) -> None:
        """Note rows that can't be read, and why."""
        self.rows += rows
        self.nulls += nulls
        self.problem = self.problem or f"{type(error).__name__}: {str(error)[:500]}"

    def merge(self, other: Column) -> None:
        """Take in what another part of the same column has seen."""
        self.rows += other.rows
        self.nulls += other.nulls
        self.size_bytes += other.size_bytes
        self.problem = self.problem or other.problem
        if other._tally is None or self.problem:
            return
        if self._tally is None or type(self._tally) is not type(other._tally):
            if self._tally is not None and self.rows - other.rows > self.nulls - other.nulls:
                self.fail(TypeError(f"{type_words(self._type)} in one part and {type_words(other._type)} in another"))
                return
            self._type, self._tally = other._type, other._tally
            return
        self._tally.merge(other._tally)

    def profile(self, *, digest: str | None = None, masked: bool = False) -> ColumnProfile:
        """Give the profile of what was added; a masked one tells no values."""
        words = self._words or ("object" if self._type is None else type_words(self._type))
        kind = self._tally.kind if self._tally else "other"
        made = ColumnProfile(self.name, words, kind, "other", self.rows, self.nulls, digest=digest)
        if self.problem is None and self._tally is not None:
            try:
                made = replace(made, **self._tally.fields())
            except Exception as error:
                self.fail(error)
        made = replace(made, problem=self.problem)
        return mask(made) if masked else replace(made, role=find_role(made))


def _plain(array: Any) -> Any:
    """Give an array whose nulls are counted as such, of a type that is counted as it is."""
    import pyarrow as pa

    if isinstance(array, pa.ExtensionArray):
        return _plain(array.storage)
    if pa.types.is_run_end_encoded(array.type):
        import pyarrow.compute

        pc: Any = pyarrow.compute
        return pc.run_end_decode(array)
    if pa.types.is_string_view(array.type) and array.null_count:
        return array.cast(pa.large_string())
    if pa.types.is_binary_view(array.type):
        return array.cast(pa.large_binary())
    if pa.types.is_dictionary(array.type) and (array.dictionary.null_count or not is_text(array.type.value_type)):
        return array.dictionary_decode()
    return array


def mask(made: ColumnProfile) -> ColumnProfile:
    """Keep what tells no value: numbers of rows, and lengths."""
    kept = {name: getattr(made, name) for name in ("nulls", "nan", "infinite", "empty", "lengths")}
    problem = made.problem and "it could not be profiled"
    return ColumnProfile(made.name, made.type, made.kind, made.kind, made.rows, masked=True, problem=problem, **kept)


def find_role(made: ColumnProfile) -> str:
    """Infer what a column is for: from how many different values it has, and how long they are."""
    present = made.rows - made.missing
    if not present:
        return "empty"
    if made.problem:
        return "other"
    if made.distinct == 1 and not made.missing and not made.infinite:
        return "constant"
    if made.kind in ("boolean", "time", "other"):
        return made.kind
    distinct = made.distinct or 0
    whole = made.kind == "text" or made.type.startswith(("int", "uint"))
    short = made.lengths is None or made.lengths[1] <= 64
    if made.type == "category":
        return "category"
    if whole and short and made.distinct_exact and distinct == made.rows and distinct >= _IDS:
        return "id"
    if made.kind == "text":
        few = distinct <= DOMAIN and distinct * 2 <= present
        return "category" if few or (short and distinct * 20 <= present) else "text"
    return "category" if whole and distinct <= TOP and distinct * 5 <= present else "number"
