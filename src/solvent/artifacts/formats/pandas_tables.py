"""DataFrame, Series and Index of pandas: one Parquet file that other readers open, and notes that give back the rest.

Row index levels are ordinary columns at the end of the file. Column labels that are unique strings name the columns of
the file; others are kept beside it, and the file has readable stand-ins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from solvent.artifacts.formats.arrow_tables import read_batches, read_table, write_table
from solvent.artifacts.formats.pandas_columns import ColumnReader, ColumnWriter
from solvent.artifacts.sink import Sink, Source
from solvent.artifacts.tagged import Decoder, Encoder, refuse
from solvent.errors import FormatError

if TYPE_CHECKING:
    import pandas
    import pyarrow

LARGE_BYTES = 64 << 20
"""A table of more bytes is read column by column, to save memory; a smaller one in blocks, to be faster later."""

_INDEXES = (
    *("Index", "RangeIndex", "MultiIndex", "CategoricalIndex", "DatetimeIndex", "TimedeltaIndex"),
    *("PeriodIndex", "IntervalIndex"),
)


class _Pandas:
    def accepts(self, value: Any) -> bool:
        kind = type(value)
        return kind.__module__.partition(".")[0] == "pandas" and kind.__name__ in ("DataFrame", "Series", *_INDEXES)

    def write(self, value: Any, sink: Sink) -> Mapping[str, Any]:
        kind = type(value).__name__
        writer = _Writer(sink)
        if kind == "DataFrame":
            writer.frame(value)
        elif kind == "Series":
            writer.series(value)
        else:
            writer.note["index"] = writer.index(value, "the index")
        return writer.finish("index" if kind in _INDEXES else kind.lower())

    def read(self, source: Source) -> Any:
        kind = source.meta["as"]
        reader = _Reader(read_table(source.view(), source.meta), source.meta, _Kept(source))
        if kind == "dataframe":
            return reader.frame()
        return reader.series() if kind == "series" else reader.index(source.meta["index"])

    def pieces(self, source: Source, rows: int) -> Iterator[Any]:
        """Read a frame or series as ones of at most so many rows, in order."""
        start = 0
        for table in read_batches(source.view(), source.meta, rows):
            reader = _Reader(table, source.meta, _Kept(source), start)
            yield reader.frame() if source.meta["as"] == "dataframe" else reader.series()
            start += table.num_rows


PANDAS = _Pandas()


class _Aside:
    """Puts indexes aside: as parts beside the file, each written like one."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._count = 0

    def keep(self, index: Any) -> dict[str, Any]:
        """Write an index, and give the note that `_Aside.read` needs."""
        self._count += 1
        part = f"kept-{self._count}"
        one = Sink(self._sink.blobs, _no_children, self._sink.path)
        writer = _Writer(one, self)
        note = writer.index(index, part)
        meta = writer.finish("index")
        if one.inline is not None:
            self._sink.part(part, one.inline)
        else:
            self._sink.stored.append(one.stored[0]._replace(role=part))
        return {**meta, "index": note, "part": part}


class _Writer:
    """Gathers the columns of one file, and the notes beside it."""

    def __init__(self, sink: Sink, aside: _Aside | None = None) -> None:
        self._sink = sink
        self._arrays: list[Any] = []
        self._names: list[str] = []
        self._aside = aside or _Aside(sink)
        self._columns = ColumnWriter(self._aside.keep)
        self.note: dict[str, Any] = {}

    def frame(self, value: pandas.DataFrame) -> None:
        labels = value.columns
        names = _file_names(labels)
        notes = []
        for position, (label, name) in enumerate(zip(labels, names, strict=True)):
            notes.append(self._add(value.iloc[:, position].array, name, f"column {label!r:.200}"))
        self.note["notes"] = notes
        self.note["columns"] = self._labels(labels, names)
        self.note["index"] = self.index(value.index, "the index")
        self._extras(value)

    def series(self, value: pandas.Series[Any]) -> None:  # pyright: ignore[reportInvalidTypeArguments]
        name = value.name if isinstance(value.name, str) and _fits_file(value.name) else "value"
        self.note["notes"] = [self._add(value.array, name, "the series")]
        self.note["name"] = self._tree(value.name, "its name")
        self.note["index"] = self.index(value.index, "the index")
        self._extras(value)

    def index(self, value: pandas.Index[Any], where: str) -> dict[str, Any]:  # pyright: ignore[reportInvalidTypeArguments]
        """Add the levels of an index as columns, and give the note to build it again."""
        import pandas

        names = self._tree(list(value.names), f"the names of {where}")
        if isinstance(value, pandas.RangeIndex):
            return {"is": "range", "range": [value.start, value.stop, value.step], "names": names}
        if not isinstance(value, pandas.MultiIndex):
            note = self._add(value.array, self._level_name(value.name, 0), where)
            freq = getattr(value, "freqstr", None) if not isinstance(value, pandas.PeriodIndex) else None
            return {"is": "index", "note": note, "names": names, "freq": freq}
        levels = []
        for number, (level, codes) in enumerate(zip(value.levels, value.codes, strict=True)):
            column, note = self._columns.coded(codes, level, f"{self._sink.path}, {where}, level {number}")
            self._append(column, self._level_name(value.names[number], number))
            levels.append(note)
        return {"is": "multi", "levels": levels, "names": names}

    def finish(self, kind: str) -> dict[str, Any]:
        """Write the file and give all notes."""
        import pyarrow as pa

        table = pa.Table.from_arrays(self._arrays, names=self._names)
        return {"as": kind, **self.note, **write_table(table, self._sink)}

    def _add(self, values: Any, name: str, where: str) -> dict[str, Any]:
        column, note = self._columns.encode(values, f"{self._sink.path}, {where}")
        self._append(column, name)
        return note

    def _append(self, column: Any, name: str) -> None:
        self._arrays.append(column)
        self._names.append(name)

    def _level_name(self, name: Any, number: int) -> str:
        fits = isinstance(name, str) and name and _fits_file(name) and name not in self._names
        wanted = name if fits else f"__index_level_{number}__"
        while wanted in self._names:
            wanted += "_"
        return wanted

    def _labels(self, labels: pandas.Index[Any], names: list[str]) -> dict[str, Any]:  # pyright: ignore[reportInvalidTypeArguments]
        """Give the note for the column labels: the names in the file if those are all there is to them."""
        import pandas

        if type(labels) is pandas.Index and list(labels) == names and _is_text(labels.dtype):
            dtype = "object" if labels.dtype == object else "str"
            return {"is": "names", "dtype": dtype, "names": self._tree(list(labels.names), "the name of the columns")}
        return {"is": "kept", "part": self._aside.keep(labels)}

    def _extras(self, value: Any) -> None:
        if value.attrs:
            self.note["attrs"] = self._tree(dict(value.attrs), "its attrs")
        if not value.flags.allows_duplicate_labels:
            self.note["unique_labels"] = True

    def _tree(self, value: Any, what: str) -> Any:
        try:
            return Encoder(refuse, what).tree(value)
        except FormatError as error:
            hint = "keep plain values there: numbers, strings, dates, lists, dicts"
            raise FormatError(error.problem, where=f"{self._sink.path}, {error.where}", hint=hint) from None


class _Kept:
    """Reads the indexes that were put aside."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def read(self, note: Mapping[str, Any]) -> Any:
        """Give the index of a note that `_Aside.keep` gave."""
        table = read_table(memoryview(self._source.part(note["part"])), note)
        return _Reader(table, note, self).index(note["index"])


class _Reader:
    """Takes the columns of one file in order, and lets go of each."""

    def __init__(self, table: pyarrow.Table, meta: Mapping[str, Any], kept: _Kept, start: int | None = None) -> None:
        self._meta = meta
        self._part = slice(None) if start is None else slice(start, start + table.num_rows)
        self._kept = kept
        self._names = table.column_names
        self._large = table.nbytes > LARGE_BYTES
        self._rest = table.columns[::-1]
        self._columns = ColumnReader(kept.read)

    def frame(self) -> Any:
        import pandas

        arrays = [self._decode(note) for note in self._meta["notes"]]
        index = self.index(self._meta["index"])
        series = {number: _series(array, index) for number, array in enumerate(arrays)}
        value = pandas.DataFrame(series, index=index, copy=not self._large)
        value.columns = self._labels(self._meta["columns"])
        return self._with_extras(value)

    def _decode(self, note: dict[str, Any]) -> Any:
        """Give the next column: of a large table as memory of its own, so that the file's can go at once.

        The columns of a small table may be read-only views: they are copied when they are put together.
        """
        array = self._columns.decode(self._rest.pop(), note)
        flags = getattr(array, "flags", None)
        return array.copy() if self._large and flags is not None and not flags.writeable else array

    def series(self) -> Any:
        import pandas

        array = self._columns.decode(self._rest.pop(), self._meta["notes"][0])
        index = self.index(self._meta["index"])
        name = Decoder().value(self._meta["name"])
        return self._with_extras(pandas.Series(array, index=index, name=name, dtype=array.dtype, copy=True))

    def index(self, note: Mapping[str, Any]) -> Any:
        import pandas

        names = Decoder().value(note["names"])
        if note["is"] == "range":
            return pandas.RangeIndex(*note["range"], name=names[0])[self._part]
        if note["is"] == "index":
            array = self._columns.decode(self._rest.pop(), note["note"])
            index = pandas.Index(array, dtype=array.dtype, name=names[0], copy=True)
            if note["freq"]:
                index.freq = note["freq"]  # type: ignore[attr-defined]
            return index
        levels = [self._kept.read(level["categories"]) for level in note["levels"]]
        codes = [
            self._columns.codes(self._rest.pop(), level, categories)
            for level, categories in zip(note["levels"], levels, strict=True)
        ]
        return pandas.MultiIndex(levels=levels, codes=codes, names=names, verify_integrity=False)

    def _labels(self, note: Mapping[str, Any]) -> Any:
        import pandas

        if note["is"] == "kept":
            return self._kept.read(note["part"])
        count = len(self._meta["notes"])
        names = Decoder().value(note["names"])
        return pandas.Index(self._names[:count], dtype=note["dtype"], name=names[0])

    def _with_extras(self, value: Any) -> Any:
        if "attrs" in self._meta:
            value.attrs = Decoder().value(self._meta["attrs"])
        return value.set_flags(allows_duplicate_labels=False) if self._meta.get("unique_labels") else value


def _series(array: Any, index: Any) -> Any:
    import pandas

    # The dtype is given, else pandas would take objects that are all strings for a string column.
    return pandas.Series(array, index=index, dtype=array.dtype, copy=False)


def _no_children(value: Any, path: str) -> Any:
    raise FormatError("an index can't hold artifacts", where=path)


def _is_text(dtype: Any) -> bool:
    return str(dtype) in ("object", "str")


def _fits_file(name: str) -> bool:
    """Whether a name can be written as UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _file_names(labels: Any) -> list[str]:
    """Give each column a name of its own in the file, as near to its label as can be."""
    taken: set[str] = set()
    names = []
    for position, label in enumerate(labels):
        name = ".".join(map(str, label)) if isinstance(label, tuple) else str(label)
        if not _fits_file(name):
            name = f"column {position}"
        wanted, count = name, 1
        while wanted in taken:
            count += 1
            wanted = f"{name} ({count})"
        taken.add(wanted)
        names.append(wanted)
    return names
