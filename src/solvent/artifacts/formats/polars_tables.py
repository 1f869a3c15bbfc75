"""DataFrame and Series of polars as zstd Parquet, written and read by polars itself, so that its types are its own."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from solvent.artifacts.formats.arrow_tables import read_batches
from solvent.artifacts.sink import Sink, Source
from solvent.errors import FormatError

if TYPE_CHECKING:
    pass


class _Polars:
    def accepts(self, value: Any) -> bool:
        kind = type(value)
        return kind.__module__.partition(".")[0] == "polars" and kind.__name__ in ("DataFrame", "Series", "LazyFrame")

    def write(self, value: Any, sink: Sink) -> Mapping[str, Any]:
        kind = type(value).__name__
        if kind == "LazyFrame":
            raise FormatError("a LazyFrame has no content yet", where=sink.path, hint="return frame.collect()")
        frame = value.to_frame() if kind == "Series" else value
        for name, dtype in frame.schema.items():
            _refuse_objects(name, dtype, sink.path)
        file = "parquet"
        try:
            with sink.open() as out:
                frame.write_parquet(out, compression="zstd")
        except _errors() as error:
            raise FormatError(f"the table can't be written: {error}", where=sink.path) from error
        return {"as": kind.lower(), "file": file, **({} if frame.width else {"rows": frame.height})}

    def read(self, source: Source) -> Any:
        import polars

        frame = polars.read_parquet(io.BytesIO(source.view()))
        return frame.to_series() if source.meta["as"] == "series" else frame

    def pieces(self, source: Source, rows: int) -> Iterator[Any]:
        """Read a frame or series as Arrow tables of at most so many rows, in order."""
        return read_batches(source.view(), source.meta, rows)


POLARS = _Polars()


def _errors() -> tuple[type[Exception], ...]:
    import polars

    return (polars.exceptions.PolarsError,)


def _refuse_objects(name: str, dtype: Any, path: str) -> None:
    import polars

    if dtype == polars.Object or any(_holds_object(inner) for inner in _inner(dtype)):
        raise FormatError(
            "polars can't write a column of Python objects",
            where=f"{path}, column {name!r:.200}",
            hint="cast it to a type of polars, or keep the objects in a list beside the table",
        )


def _holds_object(dtype: Any) -> bool:
    import polars

    return dtype == polars.Object or any(_holds_object(inner) for inner in _inner(dtype))


def _inner(dtype: Any) -> list[Any]:
    if hasattr(dtype, "fields"):
        return [field.dtype for field in dtype.fields]
    return [dtype.inner] if getattr(dtype, "inner", None) is not None else []
