"""The bounds of a contract against what was found: by how much each is kept or missed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from solvent.errors import nearest
from solvent.pipelines.endpoint import Contract
from solvent.profiles.numbers import number_text
from solvent.serving.verification import GATE, WARN, Bound, Measure, Replay

P99 = "p99_ms_8"
"""The latency that `p99_ms` bounds: that of eight clients at once, for which an endpoint is made."""


def check_bounds(
    contract: Contract, metrics: Mapping[str, float], measures: Sequence[Measure], replay: Replay | None
) -> tuple[Bound, ...]:
    """Compare a contract with the metrics of the run and with what was measured; bounds that are None are left out."""
    found = [_metric_bound(name, limit, metrics) for name, limit in contract.metrics.items()]
    values = {each.name: each.value for each in measures}
    limits = [
        ("bundle_mb", "bundle_mb", contract.bundle_mb, "MB", GATE),
        ("memory_mb", "memory_mb", contract.memory_mb, "MB", GATE),
        ("cpu_ms", "cpu_ms", contract.cpu_ms, "ms", GATE),
        ("p99_ms", P99, contract.p99_ms, "ms", WARN),
        ("cold_start_seconds", "cold_start_seconds", contract.cold_start_seconds, "s", WARN),
    ]
    for name, measured, limit, unit, severity in limits:
        # Without a server there is nothing to measure, and the replay has failed.
        if limit is not None and (measured in values or P99 in values):
            found.append(check_bound(name, values.get(measured), None, limit, unit, severity))
    if replay is not None:
        found.append(check_bound("label_flips", replay.flips, None, contract.label_flips, "", GATE))
    return tuple(found)


def _metric_bound(name: str, limit: float | tuple[float | None, float | None], metrics: Mapping[str, float]) -> Bound:
    least, most = limit if isinstance(limit, tuple | list) else (limit, None)
    known = [name] if name in metrics else [each for each in metrics if each.rpartition(".")[2] == name]
    if len(known) == 1:
        return check_bound(name, metrics[known[0]], least, most, "", GATE)
    if known:
        problem = f"several steps of the run log it: {', '.join(known)}; name one of them"
    else:
        short = {each.rpartition(".")[2] for each in metrics}
        listed = f"; it has {', '.join(sorted(metrics))}" if metrics else "; it has none"
        problem = f"the run has no such metric{nearest(name, [*metrics, *short]) or listed}"
    return Bound(name, None, least, most, "", False, GATE, f"{name}: {problem}")


def check_bound(
    name: str, found: float | None, least: float | None, most: float | None, unit: str, severity: str
) -> Bound:
    """Compare one number with its bounds, and say how it stands: "memory_mb: 212 MB, at most 150 MB: 62 MB too much"."""
    if found is None:
        words = f"{name}: it can't be measured on this system"
        return Bound(name, None, least, most, unit, False, severity, words)
    wanted = [f"at least {amount(least, unit)}"] if least is not None else []
    wanted += [f"at most {amount(most, unit)}"] if most is not None else []
    missed = ""
    # `not >=` and not `<`: a metric that is NaN keeps no bound.
    if least is not None and not found >= least:
        missed = f": {amount(least - found, unit)} too little"
    elif most is not None and not found <= most:
        missed = f": {amount(found - most, unit)} too much"
    words = f"{name}: {amount(found, unit)}{''.join(f', {each}' for each in wanted)}{missed}"
    return Bound(name, float(found), least, most, unit, not missed, severity, words)


def amount(value: float, unit: str) -> str:
    """Show a number with its unit."""
    return f"{number_text(value)} {unit}".strip()
