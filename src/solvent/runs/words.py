"""Types, sizes and durations as people write them."""

from __future__ import annotations


def short_type(type_name: str) -> str:
    """Show a type as people write it: "pandas.DataFrame", "float", "features.Features"."""
    module, _, name = type_name.partition(":")
    if module in ("builtins", ""):
        return name
    parts = module.split(".")
    return f"{parts[0]}.{name}" if len(parts) > 2 else f"{module}.{name}"


def size_text(size_bytes: float) -> str:
    """Show a number of bytes with at most three digits and its unit."""
    for unit in ("B", "kB", "MB", "GB"):
        if size_bytes < 1000 or unit == "GB":
            return f"{size_bytes:.0f} {unit}" if unit == "B" or size_bytes >= 100 else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1000
    raise AssertionError


def seconds_text(seconds: float | None) -> str:
    """Show a duration with a unit that fits."""
    if seconds is None:
        return "-"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def is_metrics(result: object) -> bool:
    """Whether the result of a run, as JSON shows it, is an evaluation."""
    return isinstance(result, dict) and result.get("type") == "solvent.profiles.records:Metrics"
