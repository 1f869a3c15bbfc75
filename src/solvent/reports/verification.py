"""The page of a verification: the verdict first, then each bound, each step row by row, the replay, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from solvent.profiles.bars import bar_rows, count_columns, limit_bar
from solvent.profiles.numbers import number_text, share_text
from solvent.profiles.svg import Svg
from solvent.reports.pages import Alert, Fact, Report, moment, render
from solvent.runs.words import seconds_text
from solvent.serving.verification import (
    GATE,
    Bound,
    Relation,
    Replay,
    StepCheck,
    Verification,
    replay_words,
)

_REST = "HTTP and the rest"
_APART = ("decode", "encode", _REST)
_TITLES = {
    "bundle_mb": "Bundle",
    "loaded_memory_mb": "Memory after loading",
    "memory_mb": "Memory after the load test",
    "cold_start_seconds": "Cold start",
    "cold_start_cpu_seconds": "Cold start, processor time",
    "import_seconds": "Import of the model's libraries alone",
    "import_cpu_seconds": "Import, processor time",
    "cpu_ms": "Processor time of a request",
    "p50_ms_1": "Median latency, 1 client",
    "p99_ms_1": "99 % latency, 1 client",
    "p50_ms_8": "Median latency, 8 clients",
    "p99_ms_8": "99 % latency, 8 clients",
    "requests_per_second": "Throughput, 8 clients",
}


class _BoundRow(NamedTuple):
    name: str
    found: str
    limit: str
    drawing: Svg | None
    mark: str
    verdict: str
    kind: str


class _StepSection(NamedTuple):
    check: StepCheck
    mark: str
    verdict: str
    relations: Sequence[tuple[str, str, str, str]]
    took: str


def verification_report(found: Verification, title: str = "") -> Report:
    """Make the page of a verification; `title` is "delays@3" where it is a version's."""
    name = title or found.endpoint
    return render(
        "verification.html",
        name,
        kind="verification",
        command=f"solvent report model {title}" if title else "",
        found=found,
        mark="ok" if found.ok else "alert",
        verdict="may be released" if found.ok else "refused",
        lead=_lead(found),
        facts=_facts(found),
        alerts=_alerts(found),
        bounds=[_bound_row(each) for each in found.bounds],
        steps=[_step_section(each) for each in found.steps],
        replay=found.replay,
        replayed=replay_words(found.replay) if found.replay else "",
        replay_mark=("ok" if found.replay.ok else "alert") if found.replay else "unknown",
        histogram=_histogram(found.replay) if found.replay and found.replay.histogram else None,
        costs=_costs(found),
        batches=_batches(found),
        measures=[
            (_TITLES.get(each.name, each.name), f"{number_text(each.value)} {each.unit}", each.about)
            for each in found.measures
        ],
        settings=_settings(found),
    )


def _lead(found: Verification) -> str:
    """Say in a sentence what was looked at, and what came of it."""
    steps = f"{len(found.steps)} live step{'s' if len(found.steps) != 1 else ''}"
    rows = f"{found.rows:,} recorded rows"
    if found.ok:
        warned = f"; {len(found.warnings)} bounds only warn" if found.warnings else ""
        return f"{steps} answer each row by that row alone, and the endpoint answered {rows} as its run did{warned}"
    number = len(found.failures)
    return f"{number} thing{'s are' if number > 1 else ' is'} in the way: {steps} and {rows} were tried"


def _facts(found: Verification) -> list[Fact]:
    replay = found.replay
    exact = f"{share_text(replay.exact_share)} equal to the last bit" if replay else ""
    return [
        Fact("bundle", found.digest[:12], "", mono=True),
        Fact("made", moment(found.made_at), f"in {seconds_text(found.seconds)}"),
        Fact("largest difference", _size(replay.largest) if replay else "", exact),
        Fact("label flips", number_text(replay.flips) if replay else ""),
        *(Fact(name, number_text(value)) for name, value in list(found.metrics.items())[:4]),
        Fact("backend", found.backend if found.backend != "python" else ""),
    ]


def _size(value: float) -> str:
    return number_text(value, 2) if value >= 1e-3 or value == 0 else f"{value:.1e}"


def _alerts(found: Verification) -> list[Alert]:
    steps = [
        Alert("alert", f"step {each.step}", each.problem, fix=each.hint, href=f"#step-{at}")
        for at, each in enumerate(found.steps)
        if not each.ok
    ]
    replay = found.replay
    replayed = [Alert("alert", "replay", replay_words(replay), href="#replay")] if replay and not replay.ok else []
    bounds = [
        Alert("alert" if each.severity == GATE else "warn", each.name, each.words.partition(": ")[2], href="#contract")
        for each in found.bounds
        if not each.ok
    ]
    return sorted([*steps, *replayed, *bounds], key=lambda each: each.severity != "alert")


def _bound_row(each: Bound) -> _BoundRow:
    unit = f" {each.unit}" if each.unit else ""
    limits = [f"at least {number_text(each.least)}{unit}"] if each.least is not None else []
    limits += [f"at most {number_text(each.most)}{unit}"] if each.most is not None else []
    gate = each.severity == GATE
    missed = each.words.rpartition(": ")[2] if each.found is not None else each.words.partition(": ")[2]
    return _BoundRow(
        each.name,
        "–" if each.found is None else f"{number_text(each.found)}{unit}",
        ", ".join(limits),
        None if each.found is None else limit_bar(each.found, each.least, each.most),
        "ok" if each.ok else "alert" if gate else "warn",
        "kept" if each.ok else missed,
        "gate" if gate else "informs",
    )


def _step_section(check: StepCheck) -> _StepSection:
    verdict = "row-wise" if check.ok else check.relation
    return _StepSection(
        check,
        "ok" if check.ok else "alert",
        verdict,
        [_relation(each) for each in check.relations],
        seconds_text(check.seconds),
    )


def _relation(each: Relation) -> tuple[str, str, str, str]:
    mark, words = {True: ("ok", "holds"), False: ("alert", "fails"), None: ("unknown", "not tried")}[each.held]
    return each.name, mark, words, f"{each.calls:,} × " + (_size(each.difference)) if each.calls else ""


def _histogram(replay: Replay) -> Svg:
    """Draw how many answers differ by how much; beyond the tolerance they have the other colour."""
    counts = dict(replay.histogram)
    known = [name for name in counts if name not in ("0", "other")]
    powers = [int(name[2:]) for name in known]
    low, high = min([*powers, -16]), max([*powers, -8])
    columns = [("0", counts.get("0", 0), False)]
    for power in range(low, high + 1):
        columns.append((f"1e{power}", counts.get(f"1e{power}", 0), 10.0**power >= replay.tolerance))
    if "other" in counts:
        columns.append(("other", counts["other"], True))
    return count_columns(columns, "Differences of answers", width=42 * len(columns))


def _costs(found: Verification) -> Svg | None:
    """Draw where the processor time of a request of one row goes."""
    rows = [(each.step, each.cpu_ms) for each in found.times]
    whole = found.measure("cpu_ms")
    if not rows:
        return None
    if whole is not None:
        rows.append((_REST, max(0.0, whole - sum(amount for _, amount in rows))))
    return bar_rows(rows, "Processor time of a request of one row", unit="ms", apart=_APART)


def _batches(found: Verification) -> Svg | None:
    if len(found.batches) < 2:
        return None
    rows = [(f"{each.rows} row{'s' if each.rows > 1 else ''}", each.cpu_ms_per_row) for each in found.batches]
    return bar_rows(rows, "Processor time for each row of a request", unit="ms")


def _settings(found: Verification) -> list[str]:
    settings = found.settings
    if not settings:
        return []
    batch = settings.get("batch")
    collected = f"requests are collected, up to {batch['rows']} and for {batch['wait_ms']:g} ms" if batch else ""
    return [
        "predictions run in a thread of their own" if settings.get("thread") else "predictions run on the event loop",
        f"{settings.get('workers', 1)} process{'es' if settings.get('workers', 1) > 1 else ''}",
        collected or "requests are not collected: a batch would not save enough",
    ]
