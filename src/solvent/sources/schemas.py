"""Schemas of sources: what an entry declares, and one schema for many files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from solvent.errors import ConfigError, SourceError, nearest
from solvent.sources.catalogue import Entry

_ALIASES = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float", "double", "string",
            "binary", "date32", "timestamp[s]", "timestamp[ms]", "timestamp[us]", "timestamp[ns]", "time64[us]")  # fmt: skip


def declared_types(entry: Entry) -> dict[str, Any]:
    """Give the types that an entry declares for columns, as pyarrow's."""
    return {name: _type(entry, name, text) for name, text in entry.columns.items()}


def check_declared(entry: Entry, schema: Any) -> None:
    """Refuse a table in which a declared column is gone or has another type."""
    for name, kind in declared_types(entry).items():
        if name not in schema.names:
            raise SourceError(
                f"source `{entry.name}`: the column {name!r} is gone{nearest(name, schema.names)}",
                where=entry.where,
                hint=f"it has: {', '.join(schema.names[:12])}{', ...' if len(schema.names) > 12 else ''}",
            )
        found = schema.field(name).type
        if plain(found) != plain(kind):
            raise SourceError(
                f"source `{entry.name}`: column {name!r} is declared as {kind} and is {found}",
                where=entry.where,
                hint="correct `columns:` in the catalogue, or the data",
            )


def with_declared(entry: Entry, schema: Any) -> Any:
    """Give a schema with the declared types in the place of those that were guessed."""
    import pyarrow as pa

    types = declared_types(entry)
    return pa.schema([field.with_type(types.get(field.name, field.type)) for field in schema], schema.metadata)


def one_schema(entry: Entry, first: Any, named: Sequence[tuple[str, Any]], lenient: bool) -> Any:
    """Give the schema that all files have; a column of nulls alone fits any type.

    `lenient` is for formats without types of their own, where whole numbers in one file may be fractions in another.
    """
    import pyarrow as pa

    own = set(named[0][1].names)
    types = {name: named[0][1].field(name).type for name in named[0][1].names}
    for file, schema in named[1:]:
        for name in named[0][1].names:
            if name not in schema.names:
                raise _apart(
                    entry, f"{file} has no column {name!r}, which {named[0][0]} has{nearest(name, schema.names)}"
                )
            types[name] = _common(entry, name, (named[0][0], types[name]), (file, schema.field(name).type), lenient)
        for name in schema.names:
            if name not in own:
                raise _apart(entry, f"{file} has a column {name!r}, which {named[0][0]} has not{nearest(name, own)}")
    fields = [field.with_type(types.get(field.name, field.type)) for field in first]
    return pa.schema(fields, metadata=first.metadata)


def plain(kind: Any) -> Any:
    """Give a type without what only says how it is laid out."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return plain(kind.value_type)
    if pa.types.is_large_string(kind) or kind == pa.string_view():
        return pa.string()
    return pa.binary() if pa.types.is_large_binary(kind) else kind


def _common(entry: Entry, name: str, first: tuple[str, Any], other: tuple[str, Any], lenient: bool) -> Any:
    import pyarrow as pa

    mine, theirs = first[1], other[1]
    if mine == theirs or pa.types.is_null(theirs):
        return mine
    if pa.types.is_null(mine):
        return theirs
    if plain(mine) == plain(theirs):
        return plain(mine)
    numbers = all(pa.types.is_integer(each) or pa.types.is_floating(each) for each in (mine, theirs))
    if lenient and numbers:
        return pa.float64()
    raise _apart(entry, f"column {name!r} is {theirs} in {other[0]} and {mine} in {first[0]}")


def _apart(entry: Entry, what: str) -> SourceError:
    return SourceError(
        f"source `{entry.name}`: its files differ: {what}",
        where=entry.where,
        hint="write the file anew with the schema of the others, or make it a source of its own",
    )


def _type(entry: Entry, name: str, text: str) -> Any:
    import pyarrow as pa

    try:
        return pa.type_for_alias(text)
    except ValueError:
        raise ConfigError(
            f"source `{entry.name}`: column {name!r} has the unknown type {text!r}{nearest(text, _ALIASES)}",
            where=entry.where,
            hint=f"types: {', '.join(_ALIASES)}",
        ) from None
