"""The words of a profile: logical types in the same words for every library, and values as text."""

from __future__ import annotations

from typing import Any

_NAMES = {
    **{"halffloat": "float16", "float": "float32", "double": "float64", "large_string": "string"},
    **{"string_view": "string", "large_binary": "binary", "binary_view": "binary"},
    **{"date32[day]": "date", "date64[ms]": "date"},
}


def type_words(arrow: Any) -> str:
    """Name an Arrow type without what only its storage knows: offsets, views, units of time, names of items."""
    import pyarrow as pa

    types = pa.types
    if types.is_dictionary(arrow):
        return "category"
    if types.is_timestamp(arrow):
        return f"timestamp[{arrow.tz}]" if arrow.tz else "timestamp"
    if types.is_time(arrow) or types.is_duration(arrow):
        return "duration" if types.is_duration(arrow) else "time"
    if types.is_decimal(arrow):
        return f"decimal({arrow.precision}, {arrow.scale})"
    if types.is_struct(arrow):
        return f"struct<{', '.join(f'{field.name}: {type_words(field.type)}' for field in arrow)}>"
    if types.is_map(arrow):
        return f"map<{type_words(arrow.key_type)}, {type_words(arrow.item_type)}>"
    if types.is_fixed_size_list(arrow):
        return f"list<{type_words(arrow.value_type)}, {arrow.list_size}>"
    if is_list(arrow):
        return f"list<{type_words(arrow.value_type)}>"
    if isinstance(arrow, pa.BaseExtensionType):
        return str(arrow.extension_name)
    if types.is_run_end_encoded(arrow):
        return type_words(arrow.value_type)
    return _NAMES.get(str(arrow), str(arrow))


def is_list(arrow: Any) -> bool:
    import pyarrow as pa

    kinds = (pa.types.is_list, pa.types.is_large_list, pa.types.is_list_view, pa.types.is_large_list_view)
    return any(is_kind(arrow) for is_kind in (*kinds, pa.types.is_fixed_size_list))


def is_text(arrow: Any) -> bool:
    import pyarrow as pa

    types = pa.types
    return any(is_kind(arrow) for is_kind in (types.is_string, types.is_large_string, types.is_string_view))


PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


class Clock:
    """How the whole numbers of a type of time are read: as moments, days, durations or times of day."""

    def __init__(self, arrow: Any) -> None:
        import pyarrow as pa

        types = pa.types
        self.per_second = 1 / 86_400 if types.is_date32(arrow) else PER_SECOND[getattr(arrow, "unit", "ms")]
        self._unit: Any = "D" if types.is_date32(arrow) else getattr(arrow, "unit", "ms")
        self._zoned = types.is_timestamp(arrow) and arrow.tz is not None
        self._day = types.is_date(arrow)
        self._span = types.is_duration(arrow) or types.is_time(arrow)

    def text(self, count: int) -> str:
        """Write a time exactly: a moment in ISO 8601 (with a zone as UTC), a span as hours, minutes and seconds."""
        if self._span:
            return self._span_text(count)
        import numpy as np

        moment = np.datetime64(count, self._unit)
        if self._day:
            return str(moment.astype("M8[D]"))
        text = str(np.datetime_as_string(moment))
        whole, _, fraction = text.partition(".")
        fraction = fraction.rstrip("0")
        return whole + (f".{fraction}" if fraction else "") + ("Z" if self._zoned else "")

    def _span_text(self, count: int) -> str:
        whole, part = divmod(abs(count), self.per_second)
        minutes, seconds = divmod(int(whole), 60)
        hours, minutes = divmod(minutes, 60)
        digits = len(str(self.per_second)) - 1
        fraction = f".{int(part):0{digits}d}".rstrip("0") if part else ""
        return f"{'-' if count < 0 else ''}{hours:02d}:{minutes:02d}:{seconds:02d}{fraction}"
