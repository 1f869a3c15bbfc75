"""NumPy arrays as `.npy` without pickle, masked ones as two of them; SciPy's sparse matrices as `.npz`."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from solvent.artifacts.sink import Sink, Source, Unsuitable

if TYPE_CHECKING:
    import numpy

_CLASSES = ("ndarray", "matrix", "recarray")


class _Npy:
    def accepts(self, value: Any) -> bool:
        import numpy

        return isinstance(value, (numpy.ndarray, numpy.ma.MaskedArray)) and type(value).__module__.startswith("numpy")

    def write(self, value: Any, sink: Sink) -> Mapping[str, Any]:
        import numpy

        kind = type(value)
        if isinstance(value, numpy.ma.MaskedArray):
            return _write_masked(value, sink)
        if kind.__name__ not in _CLASSES:
            raise Unsuitable(f"NumPy has no safe file format for a {kind.__name__}")
        with sink.open() as out:
            _write_array(value, out)
        return {"class": kind.__name__, "dtype": value.dtype.str, "shape": list(value.shape)}

    def read(self, source: Source) -> Any:
        import numpy

        stream = _Reader(source.view())
        array = numpy.lib.format.read_array(stream, allow_pickle=False)
        kind = source.meta["class"]
        if kind == "masked":
            return _read_masked(array, stream, source.meta)
        return array if kind == "ndarray" else array.view(getattr(numpy, kind))

    def pieces(self, source: Source, rows: int) -> Iterator[Any]:
        """Read an array as views of at most so many rows of the mapped file, in order."""
        import numpy

        view = source.view()
        stream = _Reader(view)
        version = numpy.lib.format.read_magic(stream)
        header = {(1, 0): numpy.lib.format.read_array_header_1_0, (2, 0): numpy.lib.format.read_array_header_2_0}
        shape, fortran, dtype = header[version](stream)
        array: Any = numpy.frombuffer(view, dtype, int(numpy.prod(shape)), stream.position)
        array = array.reshape(shape, order="F" if fortran else "C")
        for start in range(0, len(array), rows):
            yield array[start : start + rows]


def _write_array(array: Any, out: Any) -> None:
    import numpy

    if array.dtype.hasobject or array.dtype.kind == "T":
        raise Unsuitable("its elements are Python objects")
    if array.dtype.metadata:
        raise Unsuitable("its dtype carries metadata")
    numpy.lib.format.write_array(out, numpy.asarray(array), allow_pickle=False)


def _write_masked(value: Any, sink: Sink) -> Mapping[str, Any]:
    import numpy

    if type(value) is not numpy.ma.MaskedArray:
        raise Unsuitable(f"NumPy has no safe file format for a {type(value).__name__}")
    masked = value.mask is not numpy.ma.nomask
    fill: Any = getattr(value, "_fill_value")  # noqa: B009 - `fill_value` would make one up
    filled = fill is not None
    with sink.open() as out:
        _write_array(value.data, out)
        if masked:
            _write_array(value.mask, out)
        if filled:
            _write_array(numpy.asarray(fill), out)
    return {"class": "masked", "mask": masked, "fill": filled, "hard": bool(value.hardmask)}


def _read_masked(data: numpy.ndarray[Any, Any], stream: Any, meta: Mapping[str, Any]) -> Any:
    import numpy

    mask: Any = numpy.lib.format.read_array(stream, allow_pickle=False) if meta["mask"] else numpy.ma.nomask
    value: Any = numpy.ma.MaskedArray(data, mask=mask, hard_mask=meta["hard"])
    if meta["fill"]:
        value.fill_value = numpy.lib.format.read_array(stream, allow_pickle=False)[()]
    return value


class _Reader(io.RawIOBase):
    """Reads from memory in pieces, so that a mapped file is copied once, into the array."""

    def __init__(self, view: memoryview) -> None:
        self._view = view
        self._at = 0

    @property
    def position(self) -> int:
        return self._at

    def read(self, size: int = -1) -> Any:
        end = len(self._view) if size < 0 else min(self._at + size, len(self._view))
        piece = self._view[self._at : end]
        self._at = end
        # The header is parsed as bytes; the data only has to be a buffer.
        return bytes(piece) if len(piece) < 1 << 16 else piece


class _Sparse:
    def accepts(self, value: Any) -> bool:
        return type(value).__module__.startswith("scipy.sparse") and hasattr(value, "nnz") and hasattr(value, "format")

    def write(self, value: Any, sink: Sink) -> Mapping[str, Any]:
        from scipy import sparse

        if value.format not in ("csc", "csr", "bsr", "dia", "coo"):
            raise Unsuitable(f"SciPy has no safe file format for {value.format} matrices")
        memory = io.BytesIO()
        sparse.save_npz(memory, value, compressed=False)
        sink.write(memory.getvalue())
        return {"kind": value.format}

    def read(self, source: Source) -> Any:
        from scipy import sparse

        return sparse.load_npz(io.BytesIO(source.bytes()))


NPY = _Npy()
SPARSE = _Sparse()
