"""A hash of values and of rows that never changes: equal values have equal hashes, whatever holds them, and wherever.

The hash decides in which part of a split a row is, so it is a specification, kept by golden tests:

- `mix(z)` is the finaliser of SplitMix64 (Steele, Lea, Flood 2014) on unsigned 64-bit words:
  `z ^= z >> 30; z *= 0xbf58476d1ce4e5b9; z ^= z >> 27; z *= 0x94d049bb133111eb; z ^= z >> 31`.
- `join(h, w) = mix((h ^ w) + 0x9e3779b97f4a7c15)` puts one more word to a hash.
- A value is its kind's number, mixed, joined with its words:
  1 whole numbers (also booleans, and floats without a fraction), the word in two's complement; 2 other floats, the bits of
  the float64; 3 dates and timestamps, whole seconds since 1970 (UTC for those with a zone) and nanoseconds; 4 durations,
  likewise; 5 times of day, nanoseconds; 6 texts and 7 bytes, the number of bytes, then the UTF-8 bytes eight by eight,
  little-endian, the last filled up with zeros; 8 whole numbers from 2^63 on; 9 anything else, as the text of 6 of its JSON.
  A missing value (null, None, NaN, NaT) is `mix(0)` alone.
- A row begins with `mix(number of columns)` and is joined with the hash of each of its values; a key of one column is the
  hash of its value alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

MASK = (1 << 64) - 1
_GOLDEN, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
WHOLE, FRACTION, MOMENT, DURATION, TIME, TEXT, BYTES, LARGE, OTHER = range(1, 10)
_BLOCK_ROWS = 1 << 15
_SECONDS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def mix_one(word: int) -> int:
    """Mix one word; what `mix` does with Python's own numbers."""
    word = ((word ^ (word >> 30)) * _FIRST) & MASK
    word = ((word ^ (word >> 27)) * _SECOND) & MASK
    return word ^ (word >> 31)


def join(hashes: Any, words: Any) -> Any:
    """Join an array of words to hashes (an array, or one number for all); in blocks that stay in the processor's cache."""
    import numpy as np

    words = np.ascontiguousarray(words).view(np.uint64)
    made = np.empty(len(words), np.uint64)
    alike = isinstance(hashes, int)
    for begin in range(0, len(words), _BLOCK_ROWS):
        block = slice(begin, begin + _BLOCK_ROWS)
        _mix_into(made[block], np.uint64(hashes) if alike else hashes[block], words[block])
    return made


def _mix_into(out: Any, hashes: Any, words: Any) -> None:
    import numpy as np

    np.bitwise_xor(hashes, words, out=out)
    out += np.uint64(_GOLDEN)
    shifted = out >> np.uint64(30)
    out ^= shifted
    out *= np.uint64(_FIRST)
    np.right_shift(out, np.uint64(27), out=shifted)
    out ^= shifted
    out *= np.uint64(_SECOND)
    np.right_shift(out, np.uint64(31), out=shifted)
    out ^= shifted


def hash_rows(columns: Sequence[Any], *, salt: str = "") -> Any:
    """Give the hash of each row of columns (Arrow arrays, or lists of Python values for what Arrow can't hold)."""
    import numpy as np

    if len(columns) == 1:
        made = hash_values(columns[0])
    else:
        made = np.full(len(columns[0]) if columns else 0, mix_one(len(columns)), np.uint64)
        for column in columns:
            made = join(made, hash_values(column))
    return salted(made, salt)


def salted(hashes: Any, salt: str) -> Any:
    """Give the hashes of another draw: joined with the hash of a text, unless it is empty."""
    import numpy as np

    if not salt:
        return hashes
    import pyarrow as pa

    return join(hashes, np.broadcast_to(_texts(pa.array([salt]), TEXT), len(hashes)))


def hash_values(column: Any) -> Any:
    """Give the hash of each value of an Arrow array (in chunks or not), or of a list of any Python values."""
    import numpy as np
    import pyarrow as pa

    if isinstance(column, list):
        return _objects(column)
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    made = [_array(chunk) for chunk in chunks if len(chunk)]
    return made[0] if len(made) == 1 else np.concatenate([np.empty(0, np.uint64), *made])


def _array(array: Any) -> Any:
    import pyarrow.compute as pc

    made = _present(array)
    if array.null_count:
        made[pc.is_null(array).to_numpy(zero_copy_only=False)] = mix_one(0)  # pyright: ignore[reportAttributeAccessIssue]
    return made


def _present(array: Any) -> Any:
    """Give hashes that count where there is a value; what stands where there is none is of no account."""
    import numpy as np
    import pyarrow as pa

    types, kind = pa.types, array.type
    if types.is_null(kind):
        return np.full(len(array), mix_one(0), np.uint64)
    if types.is_dictionary(kind):
        return _taken(_array(array.dictionary), array.indices)
    if types.is_boolean(kind) or types.is_integer(kind):
        return _wholes(_numbers(array))
    if types.is_floating(kind):
        return _floats(_numbers(array))
    if types.is_temporal(kind):
        return _times(array)
    if _is_text(kind):
        return _texts_or_few(array)
    if isinstance(kind, pa.BaseExtensionType):
        return _array(array.storage)
    return _objects(array.to_pylist())


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    types = pa.types
    return any(
        is_kind(kind)
        for is_kind in (
            *(types.is_string, types.is_large_string, types.is_string_view),
            *(types.is_binary, types.is_large_binary, types.is_binary_view, types.is_fixed_size_binary),
        )
    )


def _taken(hashes: Any, indices: Any) -> Any:
    import numpy as np

    places = indices.fill_null(0).to_numpy(zero_copy_only=False)
    return hashes[places] if len(hashes) else np.full(len(places), mix_one(0), np.uint64)


def _numbers(array: Any) -> Any:
    if array.null_count:
        array = array.fill_null(False if str(array.type) == "bool" else 0)
    return array.to_numpy(zero_copy_only=False)


def _wholes(numbers: Any) -> Any:
    import numpy as np

    made = join(mix_one(WHOLE), numbers.astype(np.int64))
    if numbers.dtype == np.uint64:
        large = numbers > np.uint64((1 << 63) - 1)
        if large.any():
            made[large] = join(mix_one(LARGE), numbers[large])
    return made


def _floats(numbers: Any) -> Any:
    import numpy as np

    numbers = numbers.astype(np.float64)
    missing = np.isnan(numbers)
    whole = (np.floor(numbers) == numbers) & (numbers >= -(2.0**63)) & (numbers < 2.0**64)
    if whole.all():
        made = _whole_floats(numbers)
    else:
        made = join(mix_one(FRACTION), numbers.view(np.uint64))
        if whole.any():
            made[whole] = _whole_floats(numbers[whole])
    made[missing] = mix_one(0)
    return made


def _whole_floats(numbers: Any) -> Any:
    import numpy as np

    large = numbers >= 2.0**63
    if not large.any():
        return _wholes(numbers.astype(np.int64))
    made = np.empty(len(numbers), np.uint64)
    made[large] = join(mix_one(LARGE), numbers[large].astype(np.uint64))
    made[~large] = _wholes(numbers[~large].astype(np.int64))
    return made


def _times(array: Any) -> Any:
    import numpy as np
    import pyarrow as pa

    types, kind = pa.types, array.type
    if types.is_interval(kind):
        return _objects(array.to_pylist())
    if types.is_date(kind):
        array, kind = array.cast(pa.timestamp("s")), pa.timestamp("s")
    wide = np.int32 if types.is_time32(kind) else np.int64
    numbers = np.frombuffer(array.buffers()[1], wide)[array.offset : array.offset + len(array)].astype(np.int64)
    scale = _SECONDS[kind.unit]
    if types.is_time(kind):
        return join(mix_one(TIME), numbers * (10**9 // scale))
    seconds, rest = np.divmod(numbers, scale) if scale > 1 else (numbers, np.zeros_like(numbers))
    tag = DURATION if types.is_duration(kind) else MOMENT
    return join(join(mix_one(tag), seconds), rest * (10**9 // scale))


def _texts_or_few(array: Any) -> Any:
    """Hash each different text once where a look at some of them shows that they are few."""
    looked = array.slice(0, 2000)
    if len(array) > len(looked) and len(looked.unique()) < len(looked) // 4:
        coded = array.dictionary_encode()
        return _taken(_texts(coded.dictionary, _text_kind(array.type)), coded.indices)
    return _texts(array, _text_kind(array.type))


def _text_kind(kind: Any) -> int:
    return BYTES if "binary" in str(kind) else TEXT


def _texts(array: Any, kind: int) -> Any:
    import numpy as np
    import pyarrow as pa

    array = array.cast(pa.large_binary())
    _, offsets, data = array.buffers()
    bounds = np.frombuffer(offsets, "<i8")[array.offset : array.offset + len(array) + 1]
    begins, lengths = bounds[:-1], np.diff(bounds)
    if array.null_count:  # bytes under a null may be anything, and do not matter
        lengths = np.where(array.is_valid().to_numpy(zero_copy_only=False), lengths, 0)
    made = join(mix_one(kind), lengths)
    low, high = (int(bounds[0]), int(bounds[-1])) if len(array) else (0, 0)
    held = b"" if data is None else memoryview(data)[low:high]
    padded = np.zeros(high - low + 8, np.uint8)
    padded[: high - low] = np.frombuffer(held, np.uint8)
    return _join_bytes(made, padded, begins - low, lengths)


def _join_bytes(made: Any, padded: Any, begins: Any, lengths: Any) -> Any:
    """Join the words of each text; those that are longer go on alone."""
    import numpy as np

    words = np.ndarray((max(len(padded) - 7, 0),), "<u8", padded, strides=(1,))
    rows: Any = np.flatnonzero(lengths > 0)
    done = 0
    while len(rows):
        rest = lengths[rows] - done
        found = words[begins[rows] + done].astype(np.uint64)
        short = np.minimum(rest, 8)
        found &= np.uint64(MASK) >> ((8 - short) * 8).astype(np.uint64)
        made[rows] = join(made[rows], found)
        done += 8
        rows = rows[rest > 8]
    return made


def _objects(values: Iterable[Any]) -> Any:
    """Hash any Python values one by one: a number in a column of mixed values has the hash that it has elsewhere."""
    import numpy as np

    values = list(values)
    made = np.empty(len(values), np.uint64)
    places: dict[type, list[int]] = {}
    for place, value in enumerate(values):
        places.setdefault(type(value), []).append(place)
    for kind, found in places.items():
        made[found] = _alike([values[place] for place in found], kind)
    return made


def _alike(values: list[Any], kind: type) -> Any:
    import decimal

    import pyarrow as pa

    if issubclass(kind, decimal.Decimal):
        return hash_values(pa.array([_plain(each) for each in values], type=pa.float64()))
    if not issubclass(kind, dict | list | tuple | set):
        try:
            found = pa.array(values, from_pandas=True)
            if not pa.types.is_nested(found.type):
                return _array(found)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            pass
    return _texts(pa.array([_json(each) for each in values], type=pa.string()), OTHER)


def _plain(value: Any) -> float | None:
    return None if value.is_nan() else float(value)


def _json(value: Any) -> str:
    import json

    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
