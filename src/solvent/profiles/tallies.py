"""What is counted of a column, by its kind: numbers, times, decimals, booleans, texts, and what is none of these."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any, Protocol

from solvent.profiles.spread import Numbers, Spread, cumulative_points
from solvent.profiles.texts import Texts
from solvent.profiles.words import Clock, is_list, is_text


class Tally(Protocol):
    """Counts what a kind of column is like, from Arrow arrays; without nulls, unless it takes them."""

    kind: str
    takes_nulls: bool

    def add(self, array: Any) -> None:
        """Take some rows."""

    def merge(self, other: Any) -> None:
        """Take in what another tally of the same kind has seen."""

    def fields(self) -> dict[str, Any]:
        """Give the fields of the profile; nothing may be added afterwards."""
        ...


def find_tally(arrow: Any, held_bytes: int | None = None) -> Tally:
    """Choose the tally for an Arrow type, which keeps at most `held_bytes` of a column as they are."""
    import pyarrow as pa

    types = pa.types
    if isinstance(arrow, pa.BaseExtensionType):
        return find_tally(arrow.storage_type, held_bytes)
    if types.is_run_end_encoded(arrow) or (types.is_dictionary(arrow) and not is_text(arrow.value_type)):
        return find_tally(arrow.value_type, held_bytes)
    if types.is_boolean(arrow):
        return _Booleans()
    if types.is_integer(arrow) or types.is_floating(arrow):
        return _Plain(held_bytes, whole=types.is_integer(arrow))
    if types.is_decimal(arrow):
        return _Decimals(arrow.scale, held_bytes)
    if types.is_temporal(arrow) and not types.is_interval(arrow):
        return _Times(arrow, held_bytes)
    if is_text(arrow) or types.is_dictionary(arrow):
        return _Words(held_bytes, categories=types.is_dictionary(arrow))
    return _Others(arrow)


def _spread_fields(numbers: Numbers, spread: Spread, shown: Any) -> dict[str, Any]:
    """Give the fields that tell how finite numbers are spread; `shown` writes one as text."""
    values = spread.all_values()
    xs, shares, error = ([], [], 0.0) if values else cumulative_points(spread.marks)
    return {
        "nan": numbers.nan,
        "infinite": numbers.infinite,
        "mean": numbers.moments.mean,
        "std": numbers.moments.std,
        "quantiles": tuple(spread.quantiles.tolist()),
        "edges": tuple(spread.edges.tolist()),
        "counts": tuple(spread.counts),
        "distinct": spread.marks.distinct,
        "distinct_exact": spread.distinct_error == 0,
        "distinct_error": spread.distinct_error,
        "top": tuple((shown(value), number) for value, number in spread.top()),
        "top_rows": numbers.moments.count,
        "values": tuple(values),
        "cdf": tuple(zip(xs, (round(share, 7) for share in shares), strict=True)),
        "cdf_error": error + spread.error,
    }


def _add_present(numbers: Numbers, array: Any) -> None:
    """Add the values of an Arrow array of numbers, without nulls."""
    import numpy as np

    if not array.null_count:
        numbers.add(array.to_numpy())
        return
    valid, values = array.buffers()
    end = array.offset + len(array)
    # Arrow's own filter takes twice as long.
    present = np.unpackbits(np.frombuffer(valid, np.uint8), count=end, bitorder="little")[array.offset :].view(bool)
    numbers.add(np.frombuffer(values, array.type.to_pandas_dtype())[array.offset : end][present], fresh=True)


class _Plain:
    """Integers and floats."""

    kind = "number"
    takes_nulls = True

    def __init__(self, held_bytes: int | None, *, whole: bool) -> None:
        self._numbers = Numbers(held_bytes)
        self._whole = whole

    def add(self, array: Any) -> None:
        _add_present(self._numbers, array)

    def merge(self, other: _Plain) -> None:
        self._numbers.merge(other._numbers)

    def fields(self) -> dict[str, Any]:
        numbers = self._numbers
        return {
            **_spread_fields(numbers, numbers.result(whole=self._whole), repr),
            **{"zeros": numbers.zeros, "negatives": numbers.negatives},
            **{"minimum": numbers.least, "maximum": numbers.most},
        }


class _Scaled:
    """Values that are whole numbers of a unit: counted exactly, told as floats of the unit."""

    kind = "number"
    takes_nulls = False

    def __init__(self, held_bytes: int | None, per_unit: float) -> None:
        self._numbers = Numbers(held_bytes)
        self._per_unit = per_unit

    def merge(self, other: _Scaled) -> None:
        self._numbers.merge(other._numbers)

    def text(self, count: int) -> str:
        """Write a value exactly."""
        raise NotImplementedError

    def fields(self) -> dict[str, Any]:
        numbers = self._numbers
        unit = self._per_unit
        found = _spread_fields(numbers, numbers.result(whole=False, unit=unit), self.text)
        scaled: dict[str, Any] = {name: found[name] and found[name] / unit for name in ("mean", "std")}
        scaled |= {name: tuple(each / unit for each in found[name]) for name in ("quantiles", "edges")}
        scaled |= {name: tuple((each / unit, much) for each, much in found[name]) for name in ("values", "cdf")}
        ends = (
            {} if numbers.least is None else {"minimum": self.text(numbers.least), "maximum": self.text(numbers.most)}
        )
        return {**found, **scaled, **ends}


class _Times(_Scaled):
    """Moments, days, durations and times of day."""

    kind = "time"
    takes_nulls = True

    def __init__(self, arrow: Any, held_bytes: int | None) -> None:
        self._clock = Clock(arrow)
        super().__init__(held_bytes, self._clock.per_second)

    def add(self, array: Any) -> None:
        import pyarrow as pa

        wide = pa.int32() if array.type.bit_width == 32 else pa.int64()
        _add_present(self._numbers, array.view(wide))

    def text(self, count: int) -> str:
        return self._clock.text(count)


class _Decimals(_Scaled):
    """Decimals of at most 18 digits; longer ones by their distance from one of them."""

    def __init__(self, scale: int, held_bytes: int | None) -> None:
        super().__init__(held_bytes, 10.0**scale)
        self._scale = scale
        self._long: _LongDecimals | None = None
        self._held_bytes = held_bytes
        self._rows = 0

    def add(self, array: Any) -> None:
        import numpy as np

        narrow = None if self._long is not None else self._narrow(array)
        if narrow is None:
            self._long = self._long or _LongDecimals(self._scale, self._held_bytes)
            self._long.add(array)
            return
        self._rows += len(array)
        words = np.frombuffer(narrow.buffers()[1], np.int64)
        self._numbers.add(words[2 * narrow.offset : 2 * (narrow.offset + len(narrow)) : 2])

    def _narrow(self, array: Any) -> Any:
        """Give decimals of 18 digits, or None where the first ones have more; later ones raise."""
        import pyarrow as pa

        try:
            return array.cast(pa.decimal128(18, self._scale))
        except pa.ArrowInvalid:
            if self._rows:
                raise
            return None

    def merge(self, other: _Scaled) -> None:
        if self._long is not None or getattr(other, "_long", None) is not None:
            raise TypeError("decimals of more than 18 digits in parts")
        super().merge(other)

    def text(self, count: int) -> str:
        return str(Decimal(count).scaleb(-self._scale))

    def fields(self) -> dict[str, Any]:
        if self._long is not None:
            return self._long.fields()
        return {**super().fields(), "zeros": self._numbers.zeros, "negatives": self._numbers.negatives}


class _LongDecimals:
    """Decimals as floats of their distance from one of them, so that few digits of what tells them apart are lost."""

    def __init__(self, scale: int, held_bytes: int | None) -> None:
        self._scale = scale
        self._numbers = Numbers(held_bytes)
        self._pivot: Any = None
        self._ends: list[Any] = []
        self._zeros = self._negatives = 0

    def add(self, array: Any) -> None:
        import pyarrow as pa
        import pyarrow.compute

        pc: Any = pyarrow.compute
        wide = pa.decimal256(75, self._scale)
        array = array.cast(wide)
        if self._pivot is None:
            self._pivot = array[len(array) // 2].as_py()
        ends = pc.min_max(array)
        self._ends += [ends["min"].as_py(), ends["max"].as_py()]
        zero = pa.scalar(Decimal(0), wide)
        self._zeros += pc.sum(pc.equal(array, zero)).as_py()
        self._negatives += pc.sum(pc.less(array, zero)).as_py()
        apart = pc.subtract(array, pa.scalar(self._pivot, wide))
        self._numbers.add(apart.cast(pa.float64()).to_numpy())

    def fields(self) -> dict[str, Any]:
        numbers, pivot = self._numbers, float(self._pivot)
        found = _spread_fields(numbers, numbers.result(whole=False), lambda apart: repr(pivot + apart))
        moved: dict[str, Any] = {name: tuple(pivot + each for each in found[name]) for name in ("quantiles", "edges")}
        moved |= {name: tuple((pivot + each, much) for each, much in found[name]) for name in ("values", "cdf")}
        moved["mean"] = float(Fraction(self._pivot) + Fraction(found["mean"]))
        ends = {"minimum": str(min(self._ends)), "maximum": str(max(self._ends))}
        return {**found, **moved, **ends, "zeros": self._zeros, "negatives": self._negatives}


class _Booleans:
    """True and false."""

    kind = "boolean"
    takes_nulls = False

    def __init__(self) -> None:
        self._counts = {"True": 0, "False": 0}

    def add(self, array: Any) -> None:
        self._counts["True"] += array.true_count
        self._counts["False"] += array.false_count

    def merge(self, other: _Booleans) -> None:
        for text, count in other._counts.items():
            self._counts[text] += count

    def fields(self) -> dict[str, Any]:
        top = sorted(((text, count) for text, count in self._counts.items() if count), key=lambda each: -each[1])
        rows = sum(self._counts.values())
        return {
            "top": tuple(top),
            "top_rows": rows,
            "distinct": len(top),
            "distinct_exact": True,
            "distinct_error": 0.0,
            "mean": self._counts["True"] / rows if rows else None,
            "zeros": self._counts["False"],
        }


class _Words:
    """Texts and categories of text."""

    kind = "text"
    takes_nulls = False

    def __init__(self, held_bytes: int | None, *, categories: bool) -> None:
        self._texts = Texts(held_bytes)
        self._categories = categories

    def add(self, array: Any) -> None:
        self._texts.add(array)

    def merge(self, other: _Words) -> None:
        self._texts.merge(other._texts)

    def fields(self) -> dict[str, Any]:
        texts = self._texts
        found = texts.result(categories=self._categories)
        least, most = texts.ends()
        lengths = (texts.shortest, texts.characters / texts.rows, texts.longest) if texts.rows else None
        return {
            "empty": texts.empty,
            "minimum": least,
            "maximum": most,
            "distinct": found.distinct,
            "distinct_exact": found.distinct_error == 0,
            "distinct_error": found.distinct_error,
            "top": tuple(found.top),
            "top_rows": found.rows,
            "lengths": lengths,
            "sampled": found.rows if found.sampled else None,
        }


class _Others:
    """Values that have no order here: lengths of lists and bytes; of anything else only nulls."""

    kind = "other"
    takes_nulls = False

    def __init__(self, arrow: Any) -> None:
        import pyarrow as pa

        self._list = is_list(arrow) or pa.types.is_map(arrow)
        self._measured = (
            self._list or pa.types.is_binary(arrow) or pa.types.is_large_binary(arrow) or pa.types.is_binary_view(arrow)
        )
        self._rows = self._items = self._empty = 0
        self._ends: list[int] = []

    def add(self, array: Any) -> None:
        import pyarrow as pa
        import pyarrow.compute

        if not self._measured:
            return
        pc: Any = pyarrow.compute
        if pa.types.is_map(array.type):
            array = array.cast(pa.list_(pa.struct([("key", array.type.key_type), ("value", array.type.item_type)])))
        lengths = pc.list_value_length(array) if self._list else pc.binary_length(array)
        ends = pc.min_max(lengths)
        self._ends += [ends["min"].as_py(), ends["max"].as_py()]
        self._ends = [min(self._ends), max(self._ends)]
        self._items += pc.sum(lengths).as_py()
        self._empty += pc.sum(pc.equal(lengths, 0)).as_py()
        self._rows += len(array)

    def merge(self, other: _Others) -> None:
        self._ends += other._ends
        self._items += other._items
        self._empty += other._empty
        self._rows += other._rows

    def fields(self) -> dict[str, Any]:
        if not self._rows:
            return {}
        return {"empty": self._empty, "lengths": (min(self._ends), self._items / self._rows, max(self._ends))}
