"""64-bit hashes of numbers and texts, many at once; for estimates, never for identity."""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from typing import Any, NamedTuple

_SHORT_BYTES = 32
_ROWS = 1 << 14
_PIECE_BYTES = 1 << 20
_BY_LENGTH = 0x9E3779B97F4A7C15


def hash_numbers(values: Any) -> Any:
    """Hash NumPy integers or floats; equal values of one kind hash equal."""
    import numpy as np

    if values.dtype.kind == "f":
        return mix(values.astype(np.float64) + 0.0)  # the zero below zero is zero
    return mix(values if values.dtype.itemsize == 8 else values.astype(np.int64))


def mix(values: Any) -> Any:
    """Mix 64-bit numbers as the finaliser of MurmurHash3 does; different ones stay different."""
    import numpy as np

    mixed = values.view(np.uint64) ^ (values.view(np.uint64) >> np.uint64(33))
    mixed *= np.uint64(0xFF51AFD7ED558CCD)
    mixed ^= mixed >> np.uint64(33)
    mixed *= np.uint64(0xC4CEB9FE1A85EC53)
    mixed ^= mixed >> np.uint64(33)
    return mixed


class Hashed(NamedTuple):
    """The hashes of texts, and the first eight bytes of each as one number in their order."""

    hashes: Any
    prefixes: Any


def hash_texts(bounds: Any, data: Any) -> Hashed:
    """Hash texts that lie end to end in `data` (bytes as NumPy array), from each of `bounds` to the next.

    Texts of more than 32 bytes are hashed by a polynomial of their bytes modulo 2 ** 64, others eight bytes at once.
    """
    import numpy as np

    count = len(bounds) - 1
    hashes, prefixes = np.empty(count, np.uint64), np.empty(count, np.uint64)
    start = 0
    while start < count:
        low = int(bounds[start])
        within = int(np.searchsorted(bounds, low + _PIECE_BYTES, "right")) - 1
        end = max(min(start + _ROWS, within, count), start + 1)
        high = int(bounds[end])
        piece = np.empty(high - low + 8, np.uint8)
        piece[: high - low] = data[low:high]
        piece[high - low :] = 0
        if high - low > _PIECE_BYTES:  # one very long text
            hashes[start] = int.from_bytes(blake2b(piece[: high - low].tobytes(), digest_size=8).digest())
            prefixes[start] = int.from_bytes(piece[:8].tobytes())
        else:
            _hash_piece(bounds[start : end + 1] - low, piece, hashes[start:end], prefixes[start:end])
        start = end
    return Hashed(hashes, prefixes)


def views_of(array: Any) -> tuple[Any, Any] | None:
    """Give the two words of each text of an Arrow array of string views, if all are of ASCII and lie in their views.

    Those have at most 12 bytes. The first word is the length and four bytes, the second the rest, filled up with zeros. None
    for any other array.
    """
    import numpy as np
    import pyarrow as pa

    if not pa.types.is_string_view(array.type) or not len(array):
        return None
    words = np.frombuffer(array.buffers()[1], np.uint64)[2 * array.offset : 2 * (array.offset + len(array))]
    first, rest = words[0::2], words[1::2]
    letters = (int(np.bitwise_or.reduce(first)) >> 32) | int(np.bitwise_or.reduce(rest))
    if letters & 0x8080808080808080 or int(first.astype(np.uint32).max()) > 12:
        return None
    return first, rest


def hash_views(first: Any, rest: Any) -> Hashed:
    """Hash texts given as `views_of` does; equal texts get the hash that `hash_texts` gives them."""
    import numpy as np

    half = np.uint64(32)
    hashes, prefixes = np.empty(len(first), np.uint64), np.empty(len(first), np.uint64)
    for start in range(0, len(first), _ROWS):
        some = slice(start, start + _ROWS)
        lengths, word = first[some] & np.uint64(0xFFFFFFFF), (first[some] >> half) | (rest[some] << half)
        prefixes[some] = word.byteswap()
        found = mix(word + lengths * np.uint64(_BY_LENGTH))
        if int(lengths.max()) > 8:
            found = np.where(lengths > 8, mix(found * np.uint64(3) ^ (rest[some] >> half)), found)
        hashes[some] = found
    return Hashed(hashes, prefixes)


def _hash_piece(bounds: Any, piece: Any, hashes: Any, prefixes: Any) -> None:
    import numpy as np

    words: Any = np.ndarray((len(piece) - 7,), "<u8", piece, strides=(1,))
    starts, lengths = bounds[:-1], np.diff(bounds)
    masks = np.array([(1 << 8 * kept) - 1 for kept in range(9)], np.uint64)
    shortest, longest = int(lengths.min()), int(lengths.max())
    word = words[:: max(longest, 1)][: len(starts)] if shortest == longest else words[starts]
    if shortest < 8:
        word = word & masks[np.minimum(lengths, 8)]
    prefixes[:] = word.byteswap()
    found = mix(word + lengths.astype(np.uint64) * np.uint64(_BY_LENGTH))
    for at in range(8, min(longest, _SHORT_BYTES), 8):
        rows = np.flatnonzero(lengths > at)
        word = words[starts[rows] + at] & masks[np.minimum(lengths[rows] - at, 8)]
        found[rows] = mix(found[rows] * np.uint64(3) ^ word)
    if longest > _SHORT_BYTES:
        rows = np.flatnonzero(lengths > _SHORT_BYTES)
        found[rows] = mix(found[rows] ^ _polynomials(starts[rows], bounds[1:][rows], piece))
    hashes[:] = found


def _polynomials(starts: Any, ends: Any, piece: Any) -> Any:
    """Sum the bytes of each text, weighted by powers of an odd number that begin anew with the text."""
    import numpy as np

    powers, inverse = _powers()
    sums = np.zeros(len(piece) + 1, np.uint64)
    np.cumsum(powers[: len(piece)] * (piece.astype(np.uint64) + np.uint64(1)), out=sums[1:])
    return (sums[ends] - sums[starts]) * inverse[starts]


@cache
def _powers() -> tuple[Any, Any]:
    """Give the powers of an odd number and of its inverse, modulo 2 ** 64."""
    import numpy as np

    base = 0x9DDFEA08EB382D69
    rising = []
    for factor in (base, pow(base, -1, 1 << 64)):
        powers = np.full(_PIECE_BYTES + 8, factor, np.uint64)
        powers[0] = 1
        rising.append(np.multiply.accumulate(powers))
    return rising[0], rising[1]
