"""Which part of a split each row is in, for each strategy: an array of 0 for train, 1 for validation and 2 for test."""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple

from solvent.errors import AuthoringError, nearest
from solvent.pipelines.context import rng
from solvent.profiles.rowhash import hash_rows, hash_values
from solvent.profiles.rowset import Name, Rows

PARTS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)

Moment = str | float | datetime.date
"""A point of time as people write it: ISO text, a date or datetime, or a number where the column has numbers."""

_ALIASES = {
    "train": TRAIN,
    "training": TRAIN,
    "validation": VALIDATION,
    "valid": VALIDATION,
    "val": VALIDATION,
    "dev": VALIDATION,
    "test": TEST,
    "testing": TEST,
    "holdout": TEST,
}


class Shares(NamedTuple):
    """The shares that validation and test are to have; the rest is for training."""

    validation: float
    test: float


def by_hash(hashes: Any, shares: Shares) -> Any:
    """Assign each hash by its place among all hashes: the lowest are test, then validation.

    A row keeps its part whatever rows come or go, and a larger test part keeps the rows of a smaller one.
    """
    import numpy as np

    codes = np.full(len(hashes), TRAIN, np.uint8)
    codes[hashes < np.uint64(int((shares.test + shares.validation) * 2.0**64))] = VALIDATION
    codes[hashes < np.uint64(int(shares.test * 2.0**64))] = TEST
    return codes


def by_chance(rows: int, shares: Shares) -> Any:
    """Assign rows by the random generator of the step run; the parts have the rounded shares exactly."""
    return _by_place(rng().permutation(rows), rows, shares)


def _by_place(places: Any, rows: int, shares: Shares) -> Any:
    import numpy as np

    test = round(rows * shares.test)
    codes = np.full(rows, TRAIN, np.uint8)
    codes[places[: test + round(rows * shares.validation)]] = VALIDATION
    codes[places[:test]] = TEST
    return codes


def by_units(units: Any, shares: Shares) -> Any:
    """Assign whole units, numbered from 0 in the order in which they go to test, validation and train.

    Each part ends where its number of rows is nearest to what was asked.
    """
    import numpy as np

    ends = np.cumsum(np.bincount(units)) if len(units) else np.zeros(1)
    test = _nearest_end(ends, len(units) * shares.test)
    last = max(test, _nearest_end(ends, len(units) * (shares.test + shares.validation)))
    codes = np.full(len(units), TRAIN, np.uint8)
    codes[units < last] = VALIDATION
    codes[units < test] = TEST
    return codes


def _nearest_end(ends: Any, rows: float) -> int:
    """Give the number of units whose rows together are nearest to a number of rows; at least one where rows are asked."""
    import numpy as np

    if rows <= 0:
        return 0
    least = 1 if len(ends) > 1 else 0
    return max(least, int(np.argmin(np.abs(np.concatenate([[0], ends]) - rows))))


def by_class(classes: Any, hashes: Any, shares: Shares) -> Any:
    """Assign each class (numbers from 0) by itself, in the order of the hashes, so that each has the shares asked for."""
    import numpy as np

    order = np.lexsort((hashes, classes))
    sizes = np.bincount(classes)
    ranks = np.arange(len(classes)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    test = np.floor(sizes * shares.test + 0.5)
    both = test + np.floor(sizes * shares.validation + 0.5)
    of_row = classes[order]
    codes = np.full(len(classes), TRAIN, np.uint8)
    codes[order[ranks < both[of_row]]] = VALIDATION
    codes[order[ranks < test[of_row]]] = TEST
    return codes


def units_by_hash(hashes: Any) -> Any:
    """Number groups from 0 in the order of their hashes."""
    import numpy as np

    return np.unique(hashes, return_inverse=True)[1]


def classes_of(column: Any) -> Any:
    """Number the classes of a target from 0; numbers with many values are cut into ten ranges of as many rows each."""
    import numpy as np
    import pyarrow as pa

    if not isinstance(column, list) and (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
        numbers = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        if len(np.unique(numbers[~np.isnan(numbers)])) > 20:
            edges = np.nanquantile(numbers, np.linspace(0, 1, 11)[1:-1])
            return np.where(np.isnan(numbers), 10, np.searchsorted(edges, numbers, side="right"))
    return units_by_hash(hash_values(column))


class Times(NamedTuple):
    """The moments of the rows in the order of time: their numbers for each row, and the distinct moments themselves."""

    numbers: Any
    moments: Any
    missing: Any

    @classmethod
    def of(cls, rows: Rows, name: Name) -> Times:
        """Read the time column: dates, timestamps, numbers, or texts that sort as they should."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        column = rows.column(name)
        if isinstance(column, list):
            raise AuthoringError(f"time={name!r}: the column has values of several types", hint="make it a timestamp")
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
            zone = getattr(column.type, "tz", None)
            column = pc.cast(column, pa.timestamp("us", zone), safe=False).cast(pa.int64())
        missing = pc.is_null(column, nan_is_null=True).to_numpy(zero_copy_only=False)  # pyright: ignore[reportAttributeAccessIssue]
        values = column.to_numpy(zero_copy_only=False)
        moments, found = np.unique(values[~missing], return_inverse=True)
        numbers = np.full(len(values), -1, np.int64)
        numbers[~missing] = found
        return cls(numbers, moments, missing)


def by_time(times: Times, shares: Shares) -> Any:
    """Assign the latest moments to test, those before to validation, whole moments; rows without one are for training."""
    import numpy as np

    codes = np.full(len(times.numbers), TRAIN, np.uint8)
    there = ~times.missing
    codes[there] = by_units(len(times.moments) - 1 - times.numbers[there], shares)
    return codes


def by_cuts(times: Times, column: Any, validation_from: Moment | None, test_from: Moment | None) -> Any:
    """Assign rows from `test_from` on to test and those from `validation_from` on to validation."""
    import numpy as np

    codes = np.full(len(times.numbers), TRAIN, np.uint8)
    for code, moment in ((VALIDATION, validation_from), (TEST, test_from)):
        if moment is not None:
            begin = np.searchsorted(times.moments, _comparable(moment, column))
            codes[times.numbers >= begin] = code
    codes[times.missing] = TRAIN
    return codes


def _comparable(moment: Moment, column: Any) -> Any:
    import pyarrow as pa

    kind = column.type
    if not (pa.types.is_date(kind) or pa.types.is_timestamp(kind)):
        texts = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
        if texts != isinstance(moment, str):
            raise AuthoringError(f"the time column has values of type {kind}, and {moment!r} is not one of them")
        return moment
    try:
        found = datetime.datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    except ValueError:
        raise AuthoringError(f"{moment!r} is no point of time", hint='write it as "2013-10-01"') from None
    if not isinstance(found, datetime.date):
        raise AuthoringError(f"the time column has values of type {kind}, and {moment!r} is not one of them")
    if not isinstance(found, datetime.datetime):
        found = datetime.datetime(found.year, found.month, found.day)
    if found.tzinfo is None:
        found = found.replace(tzinfo=datetime.UTC)
    return (found - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)) // datetime.timedelta(microseconds=1)


def by_column(column: Any, name: Name) -> Any:
    """Assign rows by a column whose values name the part: train, validation (val, valid, dev) or test (holdout)."""
    import numpy as np
    import pyarrow as pa

    if isinstance(column, list):
        column = pa.array([str(each) for each in column])
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    coded = (
        column.combine_chunks().dictionary_encode()
        if isinstance(column, pa.ChunkedArray)
        else column.dictionary_encode()
    )
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks()
    words = ["missing" if each is None else str(each) for each in coded.dictionary.to_pylist()]
    unknown = [word for word in words if word.strip().lower() not in _ALIASES]
    if unknown or coded.null_count:
        word = unknown[0] if unknown else "a missing value"
        raise AuthoringError(
            f"column={name!r} has {word!r}{nearest(word, PARTS)}, which is no part",
            hint=f"its values may be {', '.join(_ALIASES)}",
        )
    places = np.array([_ALIASES[word.strip().lower()] for word in words], np.uint8)
    return places[coded.indices.to_numpy()] if len(words) else np.zeros(0, np.uint8)


def hashes_of(rows: Rows, names: list[Name], salt: str) -> Any:
    """Give the hash of some columns of each row."""
    return hash_rows([rows.column(name) for name in names], salt=salt)
