"""The statistics of a column of texts: every value counted where they are few, else hashes of all and a sample of rows."""

from __future__ import annotations

from heapq import nsmallest
from typing import Any, NamedTuple

from solvent.profiles.hashing import Hashed, hash_texts, hash_views, views_of
from solvent.profiles.records import DOMAIN, TOP
from solvent.profiles.sketches import DistinctSketch
from solvent.profiles.spread import EXACT_ROWS, marks_of

COUNTED = 8192
"""So many different texts are counted one by one."""
SAMPLE_ROWS = 1 << 17
CATEGORIES = 1000
SHOWN = 200
"""So many characters of a text are kept."""

_COUNTED_BYTES = 4 << 20
_SAMPLE_BYTES = 16 << 20
_PROBE = 1 << 13
_TOGETHER = 8


class Frequent(NamedTuple):
    """How many different texts there are, within a share; the most frequent with their number among `rows` looked at."""

    distinct: int
    distinct_error: float
    top: list[tuple[str, int]]
    rows: int
    sampled: bool


class Texts:
    """What is known of the texts that were added so far, as Arrow arrays without nulls; parts merge.

    First they are counted one by one; if there are too many for that, all are kept with their hashes; beyond two million
    rows, or `held_bytes`, a sketch of the hashes and a sample of the texts are.
    """

    def __init__(self, held_bytes: int | None = None) -> None:
        self.rows = self.empty = self.characters = 0
        self.shortest: int | None = None
        self.longest: int | None = None
        self.least: str | None = None
        self.most: str | None = None
        self._counted: dict[str, int] | None = {}
        self._counted_bytes = 0
        self._held: list[tuple[Any, Any]] | None = []
        self._held_bytes = held_bytes
        self._distinct = DistinctSketch()
        self._sample = _Sample()

    def add(self, array: Any) -> None:
        """Take an array of strings without nulls."""
        import pyarrow as pa

        if pa.types.is_dictionary(array.type):
            if len(array.dictionary) > COUNTED:
                self.add(array.dictionary_decode())
            else:
                self._add_coded(array)
        elif len(array):
            self._add_plain(array)

    def _add_coded(self, array: Any) -> None:
        import numpy as np

        counts = np.bincount(array.indices.to_numpy(zero_copy_only=False), minlength=len(array.dictionary))
        found = np.flatnonzero(counts)
        self._add_counted(array.dictionary.take(found), counts[found])

    def _add_plain(self, array: Any) -> None:
        if self._counted is not None and _repeats(array):
            counted = array.value_counts()
            self._add_counted(_offset(counted.field("values")), counted.field("counts").to_numpy())
            return
        self._stop_counting()
        views = views_of(array)
        if views is None:
            array = _offset(array)
            self._measure(_lengths(array), None)
            self._hold(array, self._hashed(array, hash_texts(*_buffers(array))))
        else:
            self._measure(views[0].astype("uint32").astype("int64"), None)
            self._hold(array, self._hashed(array, hash_views(*views)))

    def _add_counted(self, values: Any, counts: Any) -> None:
        """Take distinct texts with the rows of each."""
        self._measure(_lengths(values), counts)
        if self._counted is None or len(values) + len(self._counted) > 2 * COUNTED or values.nbytes > _COUNTED_BYTES:
            self._stop_counting()
            self._spread_out(values, counts)
            return
        for text, count in zip(values.to_pylist(), counts.tolist(), strict=True):
            known = self._counted.get(text)
            if known is None:
                self._counted_bytes += len(text)
            self._counted[text] = (known or 0) + count
        if len(self._counted) > COUNTED or self._counted_bytes > _COUNTED_BYTES:
            self._stop_counting()

    def _stop_counting(self) -> None:
        """Go on as if those counted so far had come row by row."""
        import numpy as np
        import pyarrow as pa

        counted, self._counted = self._counted, None
        if counted:
            counts = np.fromiter(counted.values(), np.int64, len(counted))
            self._spread_out(pa.array(counted, pa.large_string()), counts)

    def _spread_out(self, values: Any, counts: Any) -> None:
        """Hold distinct texts as often as they came; or take the part of them that a sample would have got."""
        import numpy as np

        hashes = self._hashed(values, hash_texts(*_buffers(values)))
        if self._held is not None and int(counts.sum()) <= EXACT_ROWS:
            places = np.repeat(np.arange(len(values)), counts)
            self._hold(values.take(places), hashes[places])
            return
        self._spill()
        self._distinct.add(hashes)
        self._sample.add_counted(values, counts)

    def _hold(self, array: Any, hashes: Any) -> None:
        if self._held is None:
            self._distinct.add(hashes)
            self._sample.add(array)
            return
        self._held.append((array, hashes))
        rows = sum(len(each) for _, each in self._held)
        size_bytes = sum(each.nbytes + hashed.nbytes for each, hashed in self._held)
        if rows > EXACT_ROWS or (self._held_bytes is not None and size_bytes > self._held_bytes):
            self._spill()

    def _hashed(self, array: Any, hashed: Hashed) -> Any:
        """Give the hashes; the first and last text are among those that begin with the least and largest eight bytes."""
        self._widen(*_ends(array, hashed.prefixes))
        return hashed.hashes

    def _spill(self) -> None:
        held, self._held = self._held, None
        for array, hashes in held or ():
            self._distinct.add(hashes)
            self._sample.add(array)

    def _measure(self, lengths: Any, counts: Any) -> None:
        rows = len(lengths) if counts is None else int(counts.sum())
        if not rows:
            return
        least, most = int(lengths.min()), int(lengths.max())
        self.rows += rows
        self.characters += int(lengths.sum() if counts is None else lengths.dot(counts))
        self.shortest = least if self.shortest is None else min(self.shortest, least)
        self.longest = most if self.longest is None else max(self.longest, most)
        if not least:
            self.empty += int((lengths == 0).sum() if counts is None else counts[lengths == 0].sum())

    def _widen(self, least: str, most: str) -> None:
        self.least = least if self.least is None else min(self.least, least)
        self.most = most if self.most is None else max(self.most, most)

    def merge(self, other: Texts) -> None:
        """Take in what another has seen."""
        for name, choose in (("shortest", min), ("longest", max), ("least", min), ("most", max)):
            known = [each for each in (getattr(self, name), getattr(other, name)) if each is not None]
            setattr(self, name, choose(known) if known else None)
        if self._counted is not None and other._counted is not None:
            for text, count in other._counted.items():
                self._counted[text] = self._counted.get(text, 0) + count
            self._counted_bytes += other._counted_bytes
            if len(self._counted) > COUNTED or self._counted_bytes > _COUNTED_BYTES:
                self._stop_counting()
        else:
            self._stop_counting()
            other._stop_counting()
            for array, hashes in other._held or ():
                self._hold(array, hashes)
            if other._held is None:
                self._spill()
                self._distinct.merge(other._distinct)
                self._sample.merge(other._sample)
        self.rows += other.rows
        self.empty += other.empty
        self.characters += other.characters

    def ends(self) -> tuple[str | None, str | None]:
        """Give the first and last text in the order of code points, cut like all that are shown."""
        found = (min(self._counted), max(self._counted)) if self._counted else (self.least, self.most)
        return tuple(each if each is None else _shown(each) for each in found)  # type: ignore[return-value]

    def result(self, *, categories: bool) -> Frequent:
        """Give how many different texts there are and the most frequent: all of a few, or of a categorical type.

        Of many, none is given that was seen only once.
        """
        import numpy as np

        if self._counted is not None:
            limit = CATEGORIES if categories else DOMAIN
            few = len(self._counted) <= limit
            shown = nsmallest(limit if few else TOP, self._counted.items(), key=lambda each: (-each[1], each[0]))
            top = [(_shown(text), count) for text, count in shown if few or count > 1]
            return Frequent(len(self._counted), 0.0, top, self.rows, False)
        if self._held is not None:
            distinct, top = _count_held(self._held)
            return Frequent(distinct, 0.0, top, self.rows, False)
        values, counts = self._sample.counts()
        most = np.argsort(-counts, kind="stable")[:TOP].tolist()
        top = [(_shown(values[at].as_py()), int(counts[at])) for at in most if counts[at] > 1]
        return Frequent(*self._distinct.estimate(), top, int(counts.sum()), True)


def _count_held(held: list[tuple[Any, Any]]) -> tuple[int, list[tuple[str, int]]]:
    """Count texts by their hashes: different ones, and the most frequent that came more than once."""
    import numpy as np

    hashes = [each for _, each in held]
    marks = marks_of(np.sort(hashes[0] if len(hashes) == 1 else np.concatenate(hashes)))
    top = []
    for wanted, count in marks.top(TOP):
        array, row = next((array, rows[0]) for array, each in held if len(rows := np.flatnonzero(each == wanted)))
        top.append((_shown(array[int(row)].as_py()), count))
    return marks.distinct, sorted(top, key=lambda each: (-each[1], each[0]))


class _Sample:
    """Rows of which each was taken with the same probability, at most 131,072."""

    def __init__(self) -> None:
        self.share = 1.0
        self._arrays: list[Any] = []
        self._rows = 0
        self._bytes = 0
        self._draw: Any = None

    def add(self, array: Any) -> None:
        array = _offset(array)
        while self._rows + len(array) * self.share > SAMPLE_ROWS or (
            self._bytes + array.nbytes * self.share > _SAMPLE_BYTES and self._rows + len(array) * self.share > 1000
        ):
            self._halve()
        self._keep(self._some(array, self.share))

    def add_counted(self, values: Any, counts: Any) -> None:
        import numpy as np

        while self._rows + int(counts.sum()) * self.share > SAMPLE_ROWS:
            self._halve()
        taken = counts if self.share == 1 else self._random().binomial(counts, self.share)
        self._keep(values.take(np.repeat(np.arange(len(values)), taken)))

    def merge(self, other: _Sample) -> None:
        while self.share > other.share:
            self._halve()
        while other.share > self.share:
            other._halve()
        for array in other._arrays:
            self._keep(array)
        while self._rows > SAMPLE_ROWS:
            self._halve()

    def counts(self) -> tuple[Any, Any]:
        """Give the different texts of the sample with their number."""
        import numpy as np
        import pyarrow as pa

        if not self._arrays:
            return pa.array([], pa.large_string()), np.empty(0, np.int64)
        counted: Any = pa.chunked_array(self._arrays).value_counts()
        return counted.field("values"), counted.field("counts").to_numpy()

    def _halve(self) -> None:
        arrays, self._arrays = self._arrays, []
        self.share /= 2
        self._rows = self._bytes = 0
        for array in arrays:
            self._keep(self._some(array, 0.5))

    def _some(self, array: Any, share: float) -> Any:
        """Take one row at a random place of each stretch of 1 / share rows."""
        import numpy as np

        if share == 1:
            return array
        step = round(1 / share)
        starts = np.arange(0, len(array), step)
        places = starts + self._random().integers(0, step, len(starts))
        return array.take(places[places < len(array)])

    def _keep(self, array: Any) -> None:
        import pyarrow as pa

        if len(array):
            self._arrays.append(array.cast(pa.large_string()))
            self._rows += len(array)
            self._bytes += array.nbytes

    def _random(self) -> Any:
        if self._draw is None:
            import numpy as np

            self._draw = np.random.default_rng(0)
        return self._draw


def _repeats(array: Any) -> bool:
    """Whether the texts are few enough to be counted, from a look at some of them."""
    import pyarrow as pa

    if len(array) <= COUNTED:
        return bool(array.nbytes <= _COUNTED_BYTES)
    step = len(array) / (_PROBE // _TOGETHER)
    some = pa.concat_arrays([array.slice(int(at * step), _TOGETHER) for at in range(_PROBE // _TOGETHER)])
    return len(some.dictionary_encode().dictionary) <= len(some) * 3 // 8 and some.nbytes <= _COUNTED_BYTES


def _offset(array: Any) -> Any:
    """Give texts that lie end to end; those of polars are views, which few functions of Arrow know."""
    import pyarrow as pa

    return array.cast(pa.large_string()) if pa.types.is_string_view(array.type) else array


def _buffers(array: Any) -> tuple[Any, Any]:
    """Give where each text begins and ends in the bytes, and the bytes."""
    import numpy as np
    import pyarrow as pa

    _, offsets, data = array.buffers()
    kind = np.int64 if pa.types.is_large_string(array.type) or pa.types.is_large_binary(array.type) else np.int32
    bounds = np.frombuffer(offsets, kind)[array.offset : array.offset + len(array) + 1]
    return bounds, np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)


def _lengths(array: Any) -> Any:
    """Count the characters of each text; where all are of ASCII, the bytes."""
    import numpy as np
    import pyarrow.compute

    pc: Any = pyarrow.compute
    if not len(array):
        return np.empty(0, np.int64)
    bounds, data = _buffers(array)
    used = data[int(bounds[0]) : int(bounds[-1])]
    if len(used) and int(used.max()) > 127:
        return pc.utf8_length(array).to_numpy(zero_copy_only=False).astype(np.int64)
    return np.diff(bounds).astype(np.int64)


def _ends(array: Any, prefixes: Any) -> tuple[str, str]:
    """Give the first and last text: among those whose first eight bytes are least and largest."""
    import numpy as np
    import pyarrow.compute

    pc: Any = pyarrow.compute
    first = _some_rows(array, np.flatnonzero(prefixes == prefixes.min()))
    last = _some_rows(array, np.flatnonzero(prefixes == prefixes.max()))
    return pc.min_max(first)["min"].as_py(), pc.min_max(last)["max"].as_py()


def _some_rows(array: Any, rows: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_string_view(array.type) and len(rows) <= 100:  # there is no `take` for views
        return _offset(pa.concat_arrays([array.slice(int(row), 1) for row in rows]))
    return _offset(array).take(rows)


def _shown(text: str) -> str:
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
