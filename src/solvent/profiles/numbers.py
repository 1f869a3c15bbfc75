"""Numbers, shares and times as people read them in charts and pages."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

MINUS = "−"
_UNITS = ((86_400, 3600, 24, "d", "h"), (3600, 60, 60, "h", "min"), (60, 1, 60, "min", "s"))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def number_text(value: float | int | None, digits: int = 4) -> str:
    """Show a number with thousands marked and at most that many significant digits; whole numbers below 10^9 are whole."""
    if value is None:
        return "–"
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("∞" if value > 0 else f"{MINUS}∞")
    if float(value).is_integer() and abs(value) < 1e9:
        return f"{int(value):,}".replace("-", MINUS)
    size = abs(value)
    if size >= 1e9 or size < 1e-4:
        return _power_text(float(value), digits)
    places = max(0, digits - 1 - math.floor(math.log10(size)))
    text = f"{value:,.{places}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", MINUS)


def _power_text(value: float, digits: int) -> str:
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent)}".replace("-", MINUS)


def share_text(share: float | None) -> str:
    """Show a share as a percentage with one decimal; what is not nothing never looks like nothing, nor all like all."""
    if share is None or math.isnan(share):
        return "–"
    if share == 0:
        return "0 %"
    if 0 < share < 0.0005:
        return "< 0.1 %"
    if 0.9995 < share < 1:
        return "> 99.9 %"
    return f"{share * 100:.1f} %".replace("-", MINUS) if share != 1 else "100 %"


def change_text(value: float, digits: int = 3) -> str:
    """Show a difference with its sign."""
    return "±0" if value == 0 else ("+" if value > 0 else "") + number_text(value, digits)


def moment_text(seconds: float | None, precision: float = 0.0) -> str:
    """Show seconds since the epoch as a date (UTC), with the time of day where `precision` in seconds is below a day."""
    if seconds is None:
        return "–"
    try:
        at = _EPOCH + timedelta(seconds=float(seconds))
    except (OverflowError, ValueError):
        return number_text(seconds)
    if precision >= 86_400 or (precision == 0 and seconds % 86_400 == 0):
        return f"{at:%Y-%m-%d}"
    return f"{at:%Y-%m-%d %H:%M}" if precision >= 60 or seconds % 60 == 0 else f"{at:%Y-%m-%d %H:%M:%S}"


def duration_text(seconds: float | None) -> str:
    """Show a duration in its two largest units."""
    if seconds is None or not math.isfinite(seconds):
        return number_text(seconds)
    size, sign = abs(seconds), MINUS if seconds < 0 else ""
    if size < 60:
        return f"{sign}{number_text(size, 3)} s"
    for large, small, parts, name, lesser in _UNITS:
        if size >= large:
            whole, rest = divmod(round(size / small), parts)
            return f"{sign}{whole:,} {name} {rest} {lesser}" if rest else f"{sign}{whole:,} {name}"
    raise AssertionError


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Give round numbers from low to high, about that many."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low]
    raw = (high - low) / max(1, about)
    power = 10.0 ** math.floor(math.log10(raw))
    step = power * min((1, 2, 2.5, 5, 10), key=lambda each: abs(math.log(each * power / raw)))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(each * step, 12) for each in range(first, min(last, first + 4 * about) + 1)]


_SPANS = (1, 5, 15, 30, 60, 300, 900, 1800, 3600, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800)


def time_ticks(low: float, high: float, about: int = 4) -> list[tuple[float, str]]:
    """Give round moments between two times in seconds since the epoch, each with its text."""
    span = (high - low) / max(1, about)
    if span > 604_800 * 2:
        return _calendar_ticks(low, high, max(1, round(span / 2_629_800)))
    step = min(_SPANS, key=lambda each: abs(math.log(each / max(span, 1))))
    form = "%d %b" if step >= 86_400 else "%H:%M" if step >= 60 else "%H:%M:%S"
    first = math.ceil(low / step)
    marks = [each * step for each in range(first, math.floor(high / step) + 1)]
    return [(float(at), f"{_EPOCH + timedelta(seconds=at):{form}}") for at in marks]


def _calendar_ticks(low: float, high: float, months: int) -> list[tuple[float, str]]:
    months = next((each for each in (1, 2, 3, 6, 12) if each >= months), 12 * math.ceil(months / 12))
    try:
        start = _EPOCH + timedelta(seconds=low)
        month = (start.year * 12 + start.month - 1) // months * months
        found = []
        for at in range(month, month + 200 * months, months):
            moment = datetime(at // 12, at % 12 + 1, 1, tzinfo=UTC)
            seconds = (moment - _EPOCH).total_seconds()
            if seconds > high:
                break
            if seconds >= low:
                found.append((seconds, f"{moment:%Y}" if months >= 12 else f"{moment:%b %Y}"))
    except (OverflowError, ValueError):
        return []
    return found
