"""How one column of pandas becomes an Arrow column and comes back with its exact dtype.

Each column gets a note (JSON) that says what Arrow can't: which kind of missing value, which categories, which frequency.
Floats keep their NaN: only what pandas calls missing in a nullable dtype becomes null.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from solvent.artifacts.formats.pandas_cells import decode_cells, encode_cells
from solvent.artifacts.tagged import Decoder, Encoder, refuse
from solvent.errors import FormatError

if TYPE_CHECKING:
    import pyarrow

Note = dict[str, Any]
Encoded = tuple[Any, Note]

_NATIVE = frozenset("biuf")
IN_UNITS = {"M": "timestamp", "m": "duration"}


class ColumnWriter:
    """Turns columns into Arrow; `keep(index)` puts categories aside and gives the note to find them again."""

    def __init__(self, keep: Callable[[Any], Any]) -> None:
        self._keep = keep

    def encode(self, values: Any, where: str) -> Encoded:
        """Give the Arrow column and the note for a pandas array."""
        import numpy
        import pyarrow as pa

        dtype = values.dtype
        try:
            if isinstance(dtype, numpy.dtype):
                return self._numpy(values, dtype, where)
            encode = getattr(self, f"_{type(dtype).__name__}", None)
            return encode(values, dtype, where) if encode else self._unknown(values, dtype, where)
        except (pa.ArrowException, UnicodeEncodeError, OverflowError) as error:
            problem = f"a column of dtype {dtype} can't be written: {str(error).splitlines()[0]}"
            raise FormatError(problem, where=where, hint="convert it with .astype(...)") from error

    def coded(self, codes: Any, categories: Any, where: str) -> Encoded:
        """Give the Arrow column for codes into categories: as the values themselves where others can read these."""
        import pyarrow as pa

        array, of = self.encode(categories.array, where)
        note = {"as": "coded", "categories": self._keep(categories), "codes": codes.dtype.str}
        indices = pa.array(codes, mask=codes < 0)
        if (of["as"] == "string" or of.get("of") == "str") and not array.null_count:
            return pa.DictionaryArray.from_arrays(indices.cast(pa.int32()), _one(array).cast(pa.string())), note
        if of["as"] == "numpy" and categories.dtype.kind in "iu":
            return _one(array).take(indices), note
        return indices, {**note, "by": "codes"}

    def _numpy(self, values: Any, dtype: Any, where: str) -> Encoded:
        import numpy
        import pyarrow as pa

        array = numpy.asarray(values)
        if dtype.kind == "O":
            return encode_cells(array, where)
        if dtype.kind in IN_UNITS:
            return _timed(array), {"as": "numpy", "dtype": dtype.str}
        if dtype.kind in _NATIVE and dtype.itemsize <= 8 and dtype.isnative:
            return pa.array(array, from_pandas=False), {"as": "numpy", "dtype": dtype.str}
        raw = pa.py_buffer(numpy.ascontiguousarray(array))
        fixed = pa.FixedSizeBinaryArray.from_buffers(pa.binary(dtype.itemsize), len(array), [None, raw])
        return fixed, {"as": "raw", "dtype": dtype.str}

    def _NumpyEADtype(self, values: Any, dtype: Any, where: str) -> Encoded:
        return self._numpy(values, dtype.numpy_dtype, where)

    def _StringDtype(self, values: Any, dtype: Any, where: str) -> Encoded:
        import pandas

        missing = "NA" if dtype.na_value is pandas.NA else "nan"
        return values.__arrow_array__(), {"as": "string", "storage": dtype.storage, "missing": missing}

    def _ArrowDtype(self, values: Any, dtype: Any, where: str) -> Encoded:
        return values.__arrow_array__(), {"as": "arrow"}

    def _DatetimeTZDtype(self, values: Any, dtype: Any, where: str) -> Encoded:
        import pyarrow as pa

        zone = Encoder(refuse, f"the time zone of {where}").tree(dtype.tz)
        naive = _timed(values.tz_convert(None).to_numpy())
        column = naive.view(pa.timestamp(naive.type.unit, _zone_name(dtype.tz)))
        return column, {"as": "zoned", "unit": dtype.unit, "zone": zone}

    def _CategoricalDtype(self, values: Any, dtype: Any, where: str) -> Encoded:
        column, note = self.coded(values.codes, values.categories, where)
        return column, {**note, "ordered": bool(values.ordered)}

    def _PeriodDtype(self, values: Any, dtype: Any, where: str) -> Encoded:
        import numpy
        import pyarrow as pa

        return pa.array(numpy.asarray(values.asi8), mask=values.isna()), {"as": "period", "freq": dtype.name[7:-1]}

    def _IntervalDtype(self, values: Any, dtype: Any, where: str) -> Encoded:
        import pyarrow as pa

        sides = [self.encode(side.array, where) for side in (values.left, values.right)]
        struct = pa.StructArray.from_arrays([_one(column) for column, _ in sides], names=["left", "right"])
        return struct, {"as": "interval", "closed": values.closed, "sides": [note for _, note in sides]}

    def _SparseDtype(self, values: Any, dtype: Any, where: str) -> Encoded:
        column, note = self.encode(values.to_dense(), where)
        return column, {"as": "sparse", "of": note, "fill": Encoder(refuse, where).tree(dtype.fill_value)}

    def _unknown(self, values: Any, dtype: Any, where: str) -> Encoded:
        """A dtype of another library, or a nullable one: trusted if it comes back equal now."""
        column = values.__arrow_array__() if hasattr(values, "__arrow_array__") else None
        note = {"as": "extension", "dtype": str(dtype)}
        try:
            # The masked arrays of pandas are known to come back.
            known = type(dtype).__module__.startswith("pandas.core.arrays.")
            good = column is not None and (_extension(note) == dtype)
            good = good and (known or bool(values.equals(ColumnReader(_nothing_kept).decode(_chunked(column), note))))
        except Exception:
            good = False
        if not good:
            raise FormatError(
                f"the dtype {dtype} can't be written so that it comes back equal",
                where=where,
                hint="convert the column with .astype(...) to a dtype of pandas",
            )
        return column, note


class ColumnReader:
    """Turns Arrow columns back; `kept(note)` gives the categories that were put aside."""

    def __init__(self, kept: Callable[[Any], Any]) -> None:
        self._kept = kept

    def decode(self, column: pyarrow.ChunkedArray[Any], note: Note) -> Any:
        """Give the pandas or NumPy array."""
        decode: Callable[[Any, Note], Any] = getattr(self, f"_{note['as']}")
        return decode(column, note)

    def _numpy(self, column: Any, note: Note) -> Any:
        import numpy

        dtype = numpy.dtype(note["dtype"])
        if dtype.kind in IN_UNITS:
            return _untimed(column).astype(dtype, copy=False)
        return numpy.asarray(column.to_numpy(), dtype)

    def _raw(self, column: Any, note: Note) -> Any:
        import numpy

        dtype = numpy.dtype(note["dtype"])
        array = _one(column)
        buffer = array.buffers()[1]
        start = array.offset * dtype.itemsize
        data = memoryview(buffer)[start : start + len(array) * dtype.itemsize] if len(array) else b""
        return numpy.frombuffer(data, dtype=dtype).copy()

    def _cells(self, column: Any, note: Note) -> Any:
        return decode_cells(column, note)

    def _string(self, column: Any, note: Note) -> Any:
        import pandas

        missing: Any = pandas.NA if note["missing"] == "NA" else float("nan")
        return pandas.StringDtype(note["storage"], na_value=missing).__from_arrow__(column)  # pyright: ignore[reportAttributeAccessIssue]

    def _arrow(self, column: Any, note: Note) -> Any:
        import pandas

        return pandas.ArrowDtype(column.type).__from_arrow__(column)  # pyright: ignore[reportAttributeAccessIssue]

    def _zoned(self, column: Any, note: Note) -> Any:
        import pandas

        zone = Decoder().value(note["zone"])
        moments = _untimed(column).astype(f"M8[{note['unit']}]", copy=False)
        return pandas.DatetimeIndex(moments, copy=True).tz_localize("UTC").tz_convert(zone).array

    def _coded(self, column: Any, note: Note) -> Any:
        import pandas

        categories = self._kept(note["categories"])
        codes = self.codes(column, note, categories)
        dtype = pandas.CategoricalDtype(categories, ordered=note["ordered"])
        return pandas.Categorical.from_codes(codes, dtype=dtype, validate=False)

    def codes(self, column: Any, note: Note, categories: Any) -> Any:
        """Give the codes of a column that `coded` wrote."""
        import pyarrow as pa
        from pyarrow import compute

        if note.get("by") != "codes":
            known = pa.array(categories.to_numpy(), type=None if categories.dtype.kind in "iu" else pa.string())
            chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
            found = [_find_codes(chunk, known, compute) for chunk in chunks]
            column = pa.chunked_array(found, type=pa.int32())
        return column.fill_null(-1).to_numpy().astype(note["codes"])

    def _period(self, column: Any, note: Note) -> Any:
        import pandas

        ordinals = column.fill_null(-(2**63)).to_numpy()
        return pandas.PeriodIndex.from_ordinals(ordinals, freq=note["freq"]).array  # pyright: ignore[reportAttributeAccessIssue]

    def _interval(self, column: Any, note: Note) -> Any:
        import pandas

        struct = _one(column)
        sides = [
            pandas.Index(self.decode(_chunked(struct.field(name)), side), copy=True)
            for name, side in zip(("left", "right"), note["sides"], strict=True)
        ]
        return pandas.arrays.IntervalArray.from_arrays(*sides, closed=note["closed"])

    def _sparse(self, column: Any, note: Note) -> Any:
        import pandas

        dense = self.decode(column, note["of"])
        fill = Decoder().value(note["fill"])
        return pandas.arrays.SparseArray(dense, fill_value=fill, dtype=pandas.SparseDtype(dense.dtype, fill))

    def _extension(self, column: Any, note: Note) -> Any:
        return _extension(note).__from_arrow__(column)


def _nothing_kept(note: Any) -> Any:
    raise KeyError(note)


def _extension(note: Note) -> Any:
    from pandas.api.types import pandas_dtype

    return pandas_dtype(note["dtype"])


def _find_codes(chunk: Any, known: Any, compute: Any) -> Any:
    import pyarrow as pa

    if not pa.types.is_dictionary(chunk.type):
        return compute.index_in(chunk, value_set=known)
    of_words = compute.index_in(chunk.dictionary.cast(pa.string()), value_set=known)
    return of_words.take(chunk.indices)


def _timed(array: Any) -> Any:
    """Give timestamps or durations with NaT as null; Parquet has no seconds, so these count milliseconds."""
    import pyarrow as pa

    column = pa.array(array)
    if column.type.unit != "s" or not pa.types.is_timestamp(column.type):
        return column
    return column.cast(pa.timestamp("ms"))


def _untimed(column: Any) -> Any:
    """Give the moments or durations as NumPy has them, NaT for null, in the unit that the file counts in."""
    import numpy
    import pyarrow as pa

    letter = "M" if pa.types.is_timestamp(column.type) else "m"
    counts = column.cast(pa.int64()).fill_null(-(2**63)).to_numpy()
    return numpy.asarray(counts).view(f"{letter}8[{column.type.unit}]")


def _zone_name(zone: Any) -> str:
    """Give the name that other readers know: a region, or a fixed offset."""
    name = getattr(zone, "key", None) or getattr(zone, "zone", None) or str(zone)
    return str(name).removeprefix("UTC") or "UTC"


def _one(column: Any) -> Any:
    """Give a column as one array."""
    import pyarrow as pa

    if not isinstance(column, pa.ChunkedArray):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], type=column.type)


def _chunked(column: Any) -> Any:
    import pyarrow as pa

    return column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])
