"""The comparison page: 2 to 20 runs side by side, only what differs, the equal rest folded away."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from solvent.errors import SolventError, way_out
from solvent.metadata.datasets import datasets_of_run
from solvent.profiles.numbers import number_text
from solvent.profiles.plots import intervals
from solvent.profiles.records import Interval
from solvent.profiles.svg import Svg
from solvent.reports.overlays import draw_curves, draw_series, find_pictures
from solvent.reports.pages import Report, render
from solvent.runs.compare import traits_of
from solvent.runs.measured import INDEPENDENT, NO_EVIDENCE, PAIRED, MetricDifference, compare_metrics
from solvent.runs.views import Run

if TYPE_CHECKING:
    from solvent.runs.stores import Stores

FEWEST, MOST = 2, 20
MOST_COLUMNS = 6
"""More runs than this are the rows of the tables, not their columns."""
_TITLES = {
    "config": "Config",
    "datasets": "Dataset versions",
    "data": "Files and sources",
    "seed": "Seed",
    "code": "Code",
    "environment": "Environment",
    "outputs": "Outputs",
}
_FITTING = 18
"""Longer words would be cut in a chart."""
_EXACT = ("config", "seed")
_MARKS = {"better": "ok", "worse": "alert", NO_EVIDENCE: "unknown"}
_METHODS = {PAIRED: "by resampling the same rows in both runs", INDEPENDENT: "as if the two runs were independent"}
_MISSING = object()


class Column(NamedTuple):
    """One run: its letter on the page, its dataset versions, and what names it beside the letter."""

    letter: str
    run: Run
    data: str
    words: str = ""

    @property
    def name(self) -> str:
        return f"{self.letter} {self.words}".strip() if len(self.words) <= _FITTING else self.letter


class Row(NamedTuple):
    """One thing that runs are compared by: a value for each run, "" with `there` False where a run has no such thing."""

    section: str
    name: str
    values: tuple[str, ...]
    there: tuple[bool, ...]
    differs: bool


class Measured(NamedTuple):
    """One metric: its interval in each run, None where there is none, and how each is against the first."""

    name: str
    intervals: tuple[Interval | None, ...]
    changes: tuple[MetricDifference | None, ...]

    @property
    def differs(self) -> bool:
        first = self.intervals[0]
        return any(each is None or first is None or each.value != first.value for each in self.intervals[1:])


@dataclass(frozen=True, slots=True)
class Compared:
    """Runs side by side, those on the data of the first run first; `rows` hold what is equal, too."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    metrics: tuple[Measured, ...]

    def save_csv(self, path: str | Path) -> Path:
        """Write all that was compared, a line each; SolventError if that can't be."""
        target = Path(path)
        try:
            target.write_text(_csv_text(self), "utf-8", errors="replace", newline="")
        except OSError as error:
            raise SolventError(
                f"can't write the table to {target}: {error.strerror}",
                hint=way_out(error) or "name a file in a folder that is there",
            ) from error
        return target


def compare_runs(references: Sequence[str], stores: Stores) -> Compared:
    """Read 2 to 20 runs from the store and lay them side by side.

    Raises SolventError for fewer, more, or one that is given twice; NotFoundError for one that is not there.
    """
    if not FEWEST <= len(references) <= MOST:
        raise SolventError(
            f"a comparison takes {FEWEST} to {MOST} runs, found {len(references)}",
            hint="`solvent runs` lists them; `latest` and `latest~1` work too",
        )
    runs: dict[str, Run] = {}
    for each in references:
        run = Run(stores.metadata.find_run(each), stores)
        if run.id in runs:
            raise SolventError(f"run {run.id} is given twice, as {each!r} too", hint="give each run once")
        runs[run.id] = run
    columns = _columns(list(runs.values()), stores)
    rows = _rows(columns)
    return Compared(_with_words(columns, rows), rows, _measure(columns))


def _columns(runs: Sequence[Run], stores: Stores) -> tuple[Column, ...]:
    """Give each run its letter, runs on equal data side by side."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(", ".join(_versions(run, stores).values()), []).append(run)
    ordered = [(run, data) for data, members in groups.items() for run in members]
    return tuple(Column(chr(ord("A") + at), run, data) for at, (run, data) in enumerate(ordered))


def _versions(run: Run, stores: Stores) -> dict[str, str]:
    """Give the versions that the steps of a run gave or reused; a dataset with several has them all."""
    found: dict[str, dict[str, None]] = {}
    for dataset, use in datasets_of_run(stores.metadata, run.id):
        found.setdefault(dataset, {})[f"{dataset}@{use.number}"] = None
    return {dataset: " ".join(versions) for dataset, versions in found.items()}


def _rows(columns: Sequence[Column]) -> tuple[Row, ...]:
    traits = []
    for each in columns:
        found = traits_of(each.run)
        traits.append({**found, "datasets": _versions(each.run, each.run._stores)})
    return tuple(
        _row(section, name, [each[section].get(name, _MISSING) for each in traits])
        for section in _TITLES
        for name in dict.fromkeys(name for each in traits for name in each[section])
    )


def _row(section: str, name: str, values: Sequence[Any]) -> Row:
    texts = tuple("" if each is _MISSING else _text(each, section in _EXACT) for each in values)
    there = tuple(each is not _MISSING for each in values)
    return Row(section, str(name), texts, there, len({*zip(texts, there, strict=True)}) > 1)


def _text(value: Any, exact: bool) -> str:
    return value if isinstance(value, str) and not (exact and value == "") else json.dumps(value, ensure_ascii=False)


def _with_words(columns: Sequence[Column], rows: Sequence[Row]) -> tuple[Column, ...]:
    """Name each run by the config values that tell it from the others, where these are few."""
    telling = [row for row in rows if row.section == "config" and row.differs]
    if not 0 < len(telling) <= 3:
        return tuple(columns)
    return tuple(
        each._replace(words=" ".join(f"{row.name.rpartition('.')[2]}={row.values[at]}" for row in telling))
        for at, each in enumerate(columns)
    )


def _measure(columns: Sequence[Column]) -> tuple[Measured, ...]:
    first = columns[0].run
    values = [each.run.intervals for each in columns]
    changes = [{}, *({each.name: each for each in compare_metrics(first, other.run)} for other in columns[1:])]
    return tuple(
        Measured(name, tuple(each.get(name) for each in values), tuple(each.get(name) for each in changes))
        for name in dict.fromkeys(name for each in values for name in each)
    )


def comparison_report(compared: Compared) -> Report:
    """Make the page of runs that were compared."""
    columns = compared.columns
    lettered = [(each.letter, each.run) for each in columns]
    differing = [each for each in compared.metrics if each.differs]
    pipelines = list(dict.fromkeys(each.run.pipeline for each in columns))
    title = f"{len(columns)} runs of {', '.join(pipelines[:3])}{', ...' if len(pipelines) > 3 else ''}"
    return render(
        "comparison.html",
        title,
        kind="comparison",
        command=f"solvent report compare {' '.join(each.run.id for each in columns)}",
        columns=columns,
        groups=_groups(columns),
        upright=len(columns) > MOST_COLUMNS,
        summary=_summary(compared, differing),
        heads=[_head(each) for each in columns],
        metrics=[_metric(each, columns) for each in differing],
        methods=_methods(differing),
        equal_metrics=[each for each in compared.metrics if not each.differs],
        sections=_sections(compared.rows),
        equal=[(title, _equal(compared.rows, name)) for name, title in _TITLES.items() if _equal(compared.rows, name)],
        series=draw_series(lettered),
        curves=draw_curves(lettered),
        pictures=find_pictures(lettered),
    )


def _groups(columns: Sequence[Column]) -> list[tuple[str, int]]:
    """Give the dataset versions with the number of runs on each, in order; nothing where all are on the same."""
    found: dict[str, int] = {}
    for each in columns:
        found[each.data] = found.get(each.data, 0) + 1
    return [(data or "no dataset", number) for data, number in found.items()] if len(found) > 1 else []


def _head(column: Column) -> Mapping[str, Any]:
    run, counts = column.run, column.run.counts
    return {
        "status": run.status,
        "severity": {"done": "ok", "running": "unknown"}.get(run.status, "alert"),
        "started_at": run.started_at,
        "seconds": run.seconds,
        "steps": ", ".join(f"{number} {status}" for status, number in counts.items() if number),
        "tags": ", ".join(run.tags),
        "error": run.error or "",
    }


def _summary(compared: Compared, differing: Sequence[Measured]) -> str:
    """Say in a sentence or two what differs, and how the others do against the first."""
    numbers = {
        title: sum(row.differs for row in compared.rows if row.section == name) for name, title in _TITLES.items()
    }
    found = [f"{title.lower()} ({number})" for title, number in numbers.items() if number]
    said = f"They differ in {_listed(found)}." if found else "Nothing but their metrics differs." if differing else ""
    return f"{said} {_judged(compared.columns, differing)}".strip() or "Nothing differs."


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def _judged(columns: Sequence[Column], differing: Sequence[Measured]) -> str:
    if not differing or len(columns) > MOST_COLUMNS:
        return ""
    said = []
    for at, column in enumerate(columns[1:], 1):
        words = [change.verdict for each in differing if (change := each.changes[at]) is not None and change.verdict]
        counts = [f"{words.count(word)} {word}" for word in ("better", "worse") if word in words]
        if NO_EVIDENCE in words and not counts:
            counts = [NO_EVIDENCE]
        if counts:
            said.append(f"{column.letter}: {', '.join(counts)}")
    return f"Metrics against {columns[0].letter}: {'; '.join(said)}." if said else ""


def _metric(measured: Measured, columns: Sequence[Column]) -> Mapping[str, Any]:
    return {
        "name": measured.name,
        "cells": [
            _cell(each, change, measured.intervals[0])
            for each, change in zip(measured.intervals, measured.changes, strict=True)
        ],
        "drawing": _drawing(measured, columns),
    }


def _cell(found: Interval | None, change: MetricDifference | None, first: Interval | None) -> Mapping[str, str]:
    if found is None:
        return {"value": "", "ends": "", "verdict": "", "mark": ""}
    ends = f"{number_text(found.low)} to {number_text(found.high)}" if found.low is not None else ""
    verdict = change.verdict if change else "the same" if first is not None and found is not first else ""
    return {"value": number_text(found.value), "ends": ends, "verdict": verdict, "mark": _MARKS.get(verdict, "")}


def _drawing(measured: Measured, columns: Sequence[Column]) -> Svg:
    rows = [(column.name, each) for column, each in zip(columns, measured.intervals, strict=True) if each is not None]
    first = measured.intervals[0]
    known = first is not None and isfinite(first.value)
    return intervals(rows, measured.name, width=400, zero=first.value if first is not None and known else None)


def _methods(differing: Sequence[Measured]) -> str:
    """Say what the verdicts were made from."""
    used = {change.method for each in differing for change in each.changes if change is not None}
    return " or ".join(words for method, words in _METHODS.items() if method in used)


def _sections(rows: Sequence[Row]) -> list[tuple[str, str, list[Row]]]:
    found = [
        (name, title, [row for row in rows if row.section == name and row.differs]) for name, title in _TITLES.items()
    ]
    return [each for each in found if each[2]]


def _equal(rows: Sequence[Row], section: str) -> list[Row]:
    return [row for row in rows if row.section == section and not row.differs]


def _csv_text(compared: Compared) -> str:
    """Write a line for each thing: its section, its name, whether it differs, and what it is in each run."""
    out = io.StringIO()
    write = csv.writer(out).writerow
    write(["section", "name", "differs", *(each.run.id for each in compared.columns)])
    for about in ("pipeline", "status"):
        values = [getattr(each.run, about) for each in compared.columns]
        write(["run", about, _yes(len({*values}) > 1), *map(_harmless, values)])
    for each in compared.metrics:
        known = each.intervals
        lines: dict[str, list[Any]] = {"": [one and one.value for one in known]}
        if any(one is not None and one.low is not None for one in known):
            lines |= {" low": [one and one.low for one in known], " high": [one and one.high for one in known]}
            lines[" verdict"] = [change.verdict if change else "" for change in each.changes]
        for suffix, values in lines.items():
            write(["metrics", _harmless(each.name + suffix), _yes(each.differs), *values])
    for row in compared.rows:
        write([row.section, _harmless(row.name), _yes(row.differs), *map(_harmless, row.values)])
    return out.getvalue()


def _yes(differs: bool) -> str:
    return "yes" if differs else "no"


def _harmless(text: str) -> str:
    """Mark a text that a spreadsheet would take for a formula as text; numbers stay what they are."""
    try:
        float(text)
    except ValueError:
        return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
    return text
