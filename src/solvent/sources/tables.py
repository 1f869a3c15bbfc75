"""Tables in files, opened as one dataset: all files must have one schema, and what differs is named."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

from solvent.errors import DataError, SourceError, nearest
from solvent.sources.catalogue import Entry
from solvent.sources.places import revealed
from solvent.sources.records import Columns, Where
from solvent.sources.schemas import check_declared, declared_types, one_schema, with_declared

_BLOCK_BYTES = 1 << 22


def open_files(entry: Entry, form: str, paths: Sequence[str], base: str, filesystem: Any = None) -> FileData:
    """Open files of one format; SourceError names the file, the column and both types where they differ."""
    return FileData(entry, form, paths, base, filesystem)


class FileData:
    """Files of one format behind one schema; on this machine unless there is a `filesystem`.

    `uniform` says that all files have these very types, so that other readers take them as they are.
    """

    def __init__(self, entry: Entry, form: str, paths: Sequence[str], base: str, filesystem: Any) -> None:
        import pyarrow as pa

        self.entry = entry
        self._form = form
        self._all = list(paths)
        self._base = base
        self._filesystem = filesystem
        self.paths: Sequence[str] = self._all if filesystem is None else ()
        self.uniform = True
        try:
            self.dataset = self._dataset()
        except (pa.ArrowException, OSError) as error:
            raise self._fault(error) from error
        check_declared(entry, self.dataset.schema)

    @property
    def form(self) -> str:
        return self._form

    @property
    def schema(self) -> Any:
        return self.dataset.schema

    def table(self, columns: Columns, where: Where) -> Any:
        import pyarrow as pa

        check_columns(self.entry, columns, self.schema)
        try:
            if self._form in ("csv", "jsonl"):
                return selected(self._whole(), columns, where)
            return self.dataset.to_table(columns=_listed(columns), filter=expression(where))
        except pa.ArrowException as error:
            raise self._fault(error) from error

    def batches(self, columns: Columns, where: Where, batch_rows: int) -> Iterator[Any]:
        import pyarrow as pa

        check_columns(self.entry, columns, self.schema)
        try:
            yield from self.dataset.to_batches(
                columns=_listed(columns),
                filter=expression(where),
                batch_size=batch_rows,
                batch_readahead=1,
                fragment_readahead=1,
                fragment_scan_options=self._thrifty(),
            )
        except pa.ArrowException as error:
            raise self._fault(error) from error

    def _dataset(self) -> Any:
        found = self._made(None)
        untyped = self._form in ("csv", "jsonl")
        schema = found.schema
        if len(self._all) > 1:
            named = [(self._name(each.path), each.physical_schema) for each in found.get_fragments()]
            schema = one_schema(self.entry, schema, named, untyped)
            self.uniform = all(each.types == named[0][1].types and each.names == named[0][1].names for _, each in named)
        if untyped:
            schema = with_declared(self.entry, schema)
        return found if schema == found.schema else self._made(schema)

    @property
    def partition_schema(self) -> Any:
        """The columns whose values are in the names of folders."""
        import pyarrow as pa

        first = next(self.dataset.get_fragments()).physical_schema
        return pa.schema([field for field in self.schema if field.name not in first.names])

    def _made(self, schema: Any) -> Any:
        import pyarrow.dataset as ds

        return ds.dataset(
            self._all,
            schema,
            format=self._format(),
            filesystem=self._filesystem,
            partitioning=None if self.entry.options.get("partitioning") == "none" else ds.partitioning(flavor="hive"),
            partition_base_dir=self._base.rstrip(os.sep),
        )

    def _format(self) -> Any:
        import pyarrow.dataset as ds

        if self._form == "csv":
            read, parse, convert = csv_options(self.entry)
            return ds.CsvFileFormat(parse, default_fragment_scan_options=ds.CsvFragmentScanOptions(convert, read))
        if self._form == "jsonl":
            return ds.JsonFileFormat(
                ds.JsonFragmentScanOptions(json_options(self.entry), json_block())  # type: ignore[no-untyped-call]
            )
        return ds.ParquetFileFormat() if self._form == "parquet" else ds.IpcFileFormat()

    def _thrifty(self) -> Any:
        """For batches: read a piece of a file at a time, and not ahead."""
        import pyarrow.dataset as ds

        if self._form != "parquet":
            return None
        return ds.ParquetFragmentScanOptions(use_buffered_stream=True, pre_buffer=False)

    def _whole(self) -> Any:
        """Read CSV or JSON in whole: the types of columns are told by all rows, and not by the first of them alone."""
        import pyarrow as pa
        import pyarrow.dataset as ds

        tables = []
        for fragment in self.dataset.get_fragments():
            with self._stream(fragment.path) as stream:
                table = self._parsed(stream)
            for name, value in ds.get_partition_keys(fragment.partition_expression).items():
                kind = self.dataset.schema.field(name).type
                table = table.append_column(name, pa.repeat(pa.scalar(value, kind), len(table)))
            tables.append(table)
        if len(tables) == 1:
            return tables[0]
        named = [(self._name(path), each.schema) for path, each in zip(self._all, tables, strict=True)]
        schema = one_schema(self.entry, tables[0].schema, named, True)
        return pa.concat_tables([each.select(schema.names).cast(schema) for each in tables])

    def _parsed(self, stream: Any) -> Any:
        if self._form == "csv":
            from pyarrow import csv

            return csv.read_csv(stream, *csv_options(self.entry))
        from pyarrow import json

        return json.read_json(stream, json_block(), json_options(self.entry))

    def _stream(self, path: str) -> Any:
        import pyarrow as pa

        if self._filesystem is None:
            return pa.input_stream(path)
        return self._filesystem.open_input_stream(path)

    def _name(self, path: str) -> str:
        return os.path.relpath(path, self._base).replace(os.sep, "/")

    def _fault(self, error: Exception) -> SourceError:
        from solvent.sources.faults import fault

        return fault(self.entry, self._form, self._all, error, local=self._filesystem is None)


def csv_options(entry: Entry) -> tuple[Any, Any, Any]:
    """Give pyarrow's three groups of options for CSV: reading, parsing, converting."""
    from pyarrow import csv

    given = revealed(dict(entry.options))
    tabs = entry.location.partition("?")[0].lower().removesuffix(".gz").endswith(".tsv")
    read = csv.ReadOptions(
        skip_rows=given.get("skip_rows", 0),
        column_names=given.get("names"),
        encoding=given.get("encoding", "utf8"),
        block_size=_BLOCK_BYTES,
    )
    parse = csv.ParseOptions(
        delimiter=given.get("delimiter", "\t" if tabs else ","),
        quote_char=given.get("quote", '"') or False,
        escape_char=given.get("escape") or False,
        newlines_in_values=True,
    )
    convert = csv.ConvertOptions(
        column_types=declared_types(entry),
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        decimal_point=given.get("decimal", "."),
        **({"null_values": given["nulls"]} if "nulls" in given else {}),
    )
    return read, parse, convert


def json_options(entry: Entry) -> Any:
    import pyarrow as pa
    from pyarrow import json

    declared = declared_types(entry)
    return json.ParseOptions(
        explicit_schema=pa.schema(declared.items()) if declared else None, newlines_in_values=False
    )


def json_block() -> Any:
    from pyarrow import json

    return json.ReadOptions(block_size=_BLOCK_BYTES)


def expression(where: Where) -> Any:
    """Make pyarrow's expression of what rows are wanted."""
    if where is None:
        return None
    if isinstance(where, list | tuple):
        from pyarrow.parquet import filters_to_expression

        try:
            return filters_to_expression(list(where))
        except (ValueError, TypeError) as error:
            raise DataError(
                f"where={where!r} can't be read: {error}",
                hint='write [("month", "==", 3)], or an expression of pyarrow',
            ) from None
    return where


def selected(table: Any, columns: Columns, where: Where) -> Any:
    """Give the rows and columns that are wanted of a table that was read in whole."""
    if where is not None:
        table = table.filter(expression(where))
    return table if columns is None else table.select(_listed(columns))


def _listed(columns: Columns) -> list[str] | None:
    return None if columns is None else list(columns)


def check_columns(entry: Entry, columns: Columns, schema: Any) -> None:
    """Refuse columns that are not there, with the nearest that is."""
    for name in columns or ():
        if name not in schema.names:
            raise SourceError(
                f"source `{entry.name}` has no column {name!r}{nearest(name, schema.names)}",
                where=entry.where,
                hint=f"it has: {', '.join(schema.names[:12])}{', ...' if len(schema.names) > 12 else ''}",
            )
