"""The identity of columns and of Arrow tables: the same whatever the chunks, slices and writer that brought them.

A column is told by its logical type, its length, where it is null, and its values; bytes under a null don't count.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from hashlib import sha256
from typing import Any, TypeVar

from solvent.fingerprint.arrays import digest_memory
from solvent.fingerprint.structure import digest
from solvent.fingerprint.walk import Handler, Refused, Walk, name_class
from solvent.model import Identity

T = TypeVar("T")

_SERIAL_BYTES = 1_000_000
_WRITER_KEYS = frozenset({b"ARROW:schema", b"PARQUET:field_id", b"_PL_CATEGORICAL", b"_PL_CATEGORICAL2"})


def table_identity(value: Any, rows: int, columns: Sequence[tuple[str, str]], *extras: str) -> Identity:
    """Return the identity of a table: a Merkle root over its columns' names and digests, in order."""
    parts = [text for column in columns for text in column]
    content = digest("table", str(rows), str(len(columns)), *parts, *extras)
    return Identity(content, name_class(type(value)), (), name_columns(columns))


def name_columns(columns: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Return digest by column name; of columns with one name the later ones are numbered."""
    named: dict[str, str] = {}
    for name, content in columns:
        free, number = name, 2
        while free in named:
            free, number = f"{name} #{number}", number + 1
        named[free] = content
    return named


def each_column(work: Callable[[Any], T], columns: Sequence[Any], size_bytes: int) -> list[T]:
    """Return what the work makes of each column; side by side when they are large, since hashing needs no lock."""
    count = min(len(columns), os.cpu_count() or 1, 8)
    if size_bytes < _SERIAL_BYTES or count < 2:
        return [work(column) for column in columns]
    results: list[Any] = [None] * len(columns)
    errors: list[BaseException] = []
    numbered = iter(enumerate(columns))

    def run() -> None:
        try:
            for position, column in numbered:
                results[position] = work(column)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, name="solvent-columns") for _ in range(count - 1)]
    for thread in threads:
        thread.start()
    run()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


def digest_strings(kind: str, values: Sequence[str | None]) -> str:
    """Return what `digest_column` gives for the same strings as an Arrow column, without Arrow."""
    import numpy as np

    encoded = [b"" if each is None else each.encode("utf-8", "surrogatepass") for each in values]
    lengths = np.fromiter(map(len, encoded), dtype="<i8", count=len(encoded))
    valid = np.fromiter((each is not None for each in values), dtype=bool, count=len(encoded))
    nulls = "" if valid.all() else _pack(valid)
    return digest("column", kind, str(len(encoded)), nulls, _digest_lengths(lengths), _sha(b"".join(encoded)))


def digest_numbers(kind: str, values: Any, missing: Any = None) -> str:
    """Return what `digest_column` gives for the same values as an Arrow column of that logical type.

    `values` is a NumPy array of one dimension and of numbers, truths or times; `missing` says which of them are null.
    """
    import numpy as np

    nulls = ""
    if missing is not None and missing.any():
        nulls = _pack(~missing)
        values = np.where(missing, np.zeros((), dtype=values.dtype), values)
    content = _pack(values) if values.dtype.kind == "b" else digest_memory(values)
    return digest("column", kind, str(len(values)), nulls, content)


def _sha(content: Any) -> str:
    return sha256(content).hexdigest()


def _pack(bits: Any) -> str:
    import numpy as np

    return _sha(np.packbits(bits, bitorder="little"))


def digest_column(array: Any, kind: str | None = None) -> str:
    """Return the digest of an Arrow array or chunked array; `kind` stands for its type if it is not of Arrow."""
    import pyarrow as pa

    chunks = array.chunks if isinstance(array, pa.ChunkedArray) else [array]
    chunks = [chunk for chunk in chunks if len(chunk)]
    return _digest_chunks(array.type, chunks, kind or type_token(array.type))


def type_token(arrow: Any, *, exact: bool = False) -> str:
    """Return the logical name of an Arrow type.

    What writers choose is left out: names of list items, and, unless it is to be `exact`, how wide the offsets of texts and
    lists and the codes of categories are.
    """
    import pyarrow as pa

    types = pa.types
    if not exact and (types.is_large_string(arrow) or types.is_string_view(arrow)):
        return "string"
    if not exact and (types.is_large_binary(arrow) or types.is_binary_view(arrow)):
        return "binary"
    part = partial(type_token, exact=exact)
    if types.is_struct(arrow):
        return "struct<" + ", ".join(f"{field.name!r}: {part(field.type)}" for field in arrow) + ">"
    if types.is_map(arrow):
        return f"map<{part(arrow.key_type)}, {part(arrow.item_type)}, {arrow.keys_sorted}>"
    if types.is_fixed_size_list(arrow):
        return f"fixed_size_list<{part(arrow.value_type)}, {arrow.list_size}>"
    if _is_list(arrow):
        return f"{type(arrow).__name__ if exact else 'list'}<{part(arrow.value_type)}>"
    if types.is_dictionary(arrow):
        codes = f"{arrow.index_type}, " if exact else ""
        return f"dictionary<{codes}{part(arrow.value_type)}, {arrow.ordered}>"
    if isinstance(arrow, pa.BaseExtensionType):
        # Those that Arrow brings along say all about themselves in their text.
        serialize = getattr(arrow, "__arrow_ext_serialize__", None)
        written = serialize().hex() if serialize is not None else str(arrow)
        return f"extension<{arrow.extension_name}, {written}, {part(arrow.storage_type)}>"
    return str(arrow)


def _is_list(arrow: Any) -> bool:
    import pyarrow as pa

    kinds = (pa.types.is_list, pa.types.is_large_list, pa.types.is_list_view, pa.types.is_large_list_view)
    return any(is_kind(arrow) for is_kind in kinds)


def _digest_chunks(arrow: Any, chunks: list[Any], kind: str) -> str:
    length = sum(map(len, chunks))
    nulls = _digest_nulls(chunks)
    return digest("column", kind, str(length), nulls, *_digest_content(arrow, chunks))


def _digest_content(arrow: Any, chunks: list[Any]) -> list[str]:
    import pyarrow as pa

    types = pa.types
    if types.is_null(arrow):
        return []
    if types.is_boolean(arrow):
        return [_digest_bits(chunks)]
    if types.is_string(arrow) or types.is_large_string(arrow) or types.is_binary(arrow) or types.is_large_binary(arrow):
        return _digest_texts(chunks)
    if types.is_dictionary(arrow):
        return _digest_dictionary(arrow, chunks)
    if types.is_struct(arrow):
        columns = [chunk.flatten() for chunk in chunks]
        return [_part(field.type, [each[at] for each in columns]) for at, field in enumerate(arrow)]
    if types.is_map(arrow) or types.is_fixed_size_list(arrow) or _is_list(arrow):
        return _digest_lists(arrow, chunks)
    if isinstance(arrow, pa.BaseExtensionType):
        return [_part(arrow.storage_type, [chunk.storage for chunk in chunks])]
    if _width(arrow):
        return [_digest_values(chunks, _width(arrow))]
    return _digest_others(arrow, chunks)


def _part(arrow: Any, chunks: list[Any]) -> str:
    return _digest_chunks(arrow, [chunk for chunk in chunks if len(chunk)], type_token(arrow))


def _width(arrow: Any) -> int:
    """Return the bytes of one value of a type whose values are all as wide, else 0."""
    try:
        return int(arrow.bit_width) // 8
    except ValueError:
        return 0


def _mask(chunk: Any) -> Any:
    return chunk.is_valid().to_numpy(zero_copy_only=False)


def _digest_nulls(chunks: list[Any]) -> str:
    if not any(chunk.null_count for chunk in chunks):
        return ""
    import numpy as np

    return _pack(np.concatenate([_mask(chunk) for chunk in chunks]))


def _digest_bits(chunks: list[Any]) -> str:
    import numpy as np

    filled = (chunk.fill_null(False) if chunk.null_count else chunk for chunk in chunks)
    values = [each.to_numpy(zero_copy_only=False) for each in filled]
    return _pack(np.concatenate(values)) if values else _sha(b"")


def _digest_values(chunks: list[Any], width: int) -> str:
    import numpy as np

    content = sha256()
    for chunk in chunks:
        buffer = chunk.buffers()[1]
        values = memoryview(buffer)[chunk.offset * width : (chunk.offset + len(chunk)) * width]
        if chunk.null_count:
            rows: Any = np.frombuffer(values, dtype=f"V{width}" if width not in (1, 2, 4, 8) else f"u{width}").copy()
            rows[~_mask(chunk)] = np.zeros((), dtype=rows.dtype)
            content.update(rows.view("u1"))
        else:
            content.update(values)
    return content.hexdigest()


def _digest_texts(chunks: list[Any]) -> list[str]:
    import numpy as np
    import pyarrow.compute as pc

    lengths, content = [], sha256()
    for chunk in chunks:
        count = pc.binary_length(chunk)  # pyright: ignore[reportAttributeAccessIssue]
        sizes = (count.fill_null(0) if count.null_count else count).to_numpy()
        data = _text_bytes(chunk)
        if len(data) != int(sizes.sum()):  # there are bytes under the nulls
            data = _text_bytes(pc.take(chunk, np.flatnonzero(_mask(chunk))))
        lengths.append(sizes)
        content.update(data)
    return [_join_lengths(lengths), content.hexdigest()]


def _text_bytes(chunk: Any) -> memoryview:
    import numpy as np

    _, offsets, data = chunk.buffers()
    kind = "<i4" if offsets is not None and str(chunk.type) in ("string", "binary") else "<i8"
    if offsets is None or data is None:
        return memoryview(b"")
    bounds = np.frombuffer(offsets, dtype=kind)
    return memoryview(data)[int(bounds[chunk.offset]) : int(bounds[chunk.offset + len(chunk)])]


def _join_lengths(lengths: list[Any]) -> str:
    import numpy as np

    return _digest_lengths(np.concatenate(lengths) if lengths else np.empty(0, "<i8"))


def _digest_lengths(lengths: Any) -> str:
    # As narrow as they fit: most texts are short, and there is a length for each. The number of rows is told beside them.
    longest = int(lengths.max()) if lengths.size else 0
    kind = next(kind for kind, limit in _WIDTHS if longest < limit)
    return _sha(lengths.astype(kind, copy=False))


_WIDTHS = (("u1", 1 << 8), ("<u2", 1 << 16), ("<i4", 1 << 31), ("<i8", 1 << 63))


def _digest_dictionary(arrow: Any, chunks: list[Any]) -> list[str]:
    decoded = [chunk.dictionary_decode() for chunk in chunks]
    parts = [_part(arrow.value_type, decoded)]
    if arrow.ordered and chunks:
        # Only here does the order say something; elsewhere it is that of first sight, which each writer has its own of.
        import pyarrow as pa

        whole = pa.chunked_array(chunks).unify_dictionaries().chunk(0)
        parts.append(_part(arrow.value_type, [whole.dictionary]))
    return parts


def _digest_lists(arrow: Any, chunks: list[Any]) -> list[str]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_map(arrow):
        plain = pa.list_(pa.struct([pa.field("key", arrow.key_type), pa.field("value", arrow.item_type)]))
        chunks = [chunk.cast(plain) for chunk in chunks]
        arrow = plain
    count: Any = pc.list_value_length  # pyright: ignore[reportAttributeAccessIssue]
    lengths = [count(chunk).fill_null(0).to_numpy(zero_copy_only=False) for chunk in chunks]
    values = [chunk.flatten() for chunk in chunks]
    return [_join_lengths(lengths), _part(arrow.value_type, values)]


def _digest_others(arrow: Any, chunks: list[Any]) -> list[str]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_string_view(arrow) or pa.types.is_binary_view(arrow):
        whole = pa.large_string() if pa.types.is_string_view(arrow) else pa.large_binary()
        return _digest_texts([chunk.cast(whole) for chunk in chunks])
    if pa.types.is_run_end_encoded(arrow):
        decode: Any = pc.run_end_decode  # pyright: ignore[reportAttributeAccessIssue]
        return [_part(arrow.value_type, [decode(chunk) for chunk in chunks])]
    raise Refused(f"a column of type {arrow}", "cast it to a plain type")


# Arrow's own objects.


def find_handler(cls: type) -> Handler | None:
    """Return what makes the identity of Arrow objects of this class, or None if it is no table, column or type."""
    pa: Any = sys.modules["pyarrow"]
    for kinds, handler in (
        ((pa.Table, pa.RecordBatch), _identify_table),
        ((pa.Array, pa.ChunkedArray), _identify_column),
        ((pa.Scalar,), _identify_scalar),
        ((pa.Schema,), _identify_schema),
        ((pa.DataType,), _identify_type),
    ):
        if issubclass(cls, kinds):
            return handler
    return None


def _identify_table(walk: Walk, value: Any) -> Identity:
    names = [str(name) for name in value.schema.names]
    digests = each_column(_on_column(value), range(value.num_columns), value.nbytes)
    said = _digest_metadata(value.schema)
    return table_identity(value, value.num_rows, list(zip(names, digests, strict=True)), *([said] if said else []))


def _on_column(table: Any) -> Callable[[int], str]:
    def work(position: int) -> str:
        try:
            return digest_column(table.column(position))
        except Refused as refusal:
            raise refusal.under(f"[{table.schema.names[position]!r}]") from None

    return work


def _digest_metadata(schema: Any) -> str:
    """Return the digest of what people wrote into a schema: its own metadata and that of its fields."""
    written = [schema.metadata, *(schema.field(at).metadata for at in range(len(schema)))]
    parts = [_metadata_texts(each) for each in written]
    if not any(parts):
        return ""
    return digest("metadata", *(text for part in parts for text in (str(len(part)).encode(), *part)))


def _metadata_texts(metadata: Mapping[bytes, bytes] | None) -> list[bytes]:
    kept = sorted((key, each) for key, each in (metadata or {}).items() if not _is_of_writer(key, each))
    return [text for pair in kept for text in pair]


def _is_of_writer(key: bytes, text: bytes) -> bool:
    return key in _WRITER_KEYS or (key == b"pandas" and _says_nothing(text))


def _says_nothing(text: bytes) -> bool:
    """Whether a note of pandas tells no more of a table than its columns do: no index, no types that only pandas has."""
    from json import loads

    try:
        note = loads(text)
        indexes = all(
            each["kind"] == "range" and (each["name"], each["start"], each["step"]) == (None, 0, 1)
            for each in note["index_columns"]
        )
        labels = all(each["name"] is None for each in note["column_indexes"])
        columns = all(
            each["name"] == each["field_name"] and _PLAIN_IN_PANDAS.fullmatch(each["numpy_type"])
            for each in note["columns"]
        )
    except (ValueError, KeyError, TypeError):
        return False
    return indexes and labels and columns and not note.get("attributes")


_PLAIN_IN_PANDAS = re.compile(r"(u?int|float)\d+|bool|str|(datetime|timedelta)64\[[^\]]+\]")


def _identify_column(walk: Walk, value: Any) -> Identity:
    return Identity(digest_column(value), name_class(type(value)))


def _identify_scalar(walk: Walk, value: Any) -> Identity:
    import pyarrow as pa

    content = digest_column(pa.array([value.as_py()], type=value.type))
    return walk.make("scalar", value, type_token(value.type, exact=True), content)


def _identify_schema(walk: Walk, value: Any) -> Identity:
    texts = [text for field in value for text in (field.name, type_token(field.type, exact=True), str(field.nullable))]
    return walk.make("schema", value, *texts, _digest_metadata(value))


def _identify_type(walk: Walk, value: Any) -> Identity:
    return Identity(digest("type", type_token(value, exact=True)), "pyarrow:DataType")
