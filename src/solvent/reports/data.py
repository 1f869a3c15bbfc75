"""The data page: one version of a table, over another one, with what a person should know of it first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from solvent.errors import SolventError
from solvent.model import Finding
from solvent.profiles.drift import ColumnDrift, TableDrift, compare
from solvent.profiles.numbers import number_text, share_text
from solvent.profiles.plots import Series, line_chart
from solvent.profiles.records import Profile
from solvent.profiles.svg import Svg
from solvent.reports.columns import ColumnRow, count_change, rows_of
from solvent.reports.pages import Alert, Fact, Report, moment, render, worst
from solvent.reports.samples import Sample, read_sample, sample_of
from solvent.reports.subjects import Subject, find_subject, of_table
from solvent.runs.profiler import is_profiled
from solvent.runs.words import short_type, size_text

if TYPE_CHECKING:
    from solvent.runs.stores import Stores

_TRENDS = 6
_ALERTS = 12


def data_report(reference: str, stores: Stores, *, against: str | None = None) -> Report:
    """Make the page of what a person names; it is laid over `against`, or over the version before it."""
    subject = find_subject(reference, stores)
    if subject.artifact is not None and not is_profiled(subject.artifact.type):
        raise SolventError(
            f"{subject.name} is a {short_type(subject.artifact.type)}: only tables and arrays have a page of data",
            hint="`solvent artifacts` shows what is known of any output",
        )
    other = find_subject(against, stores, whole=False) if against else version_before(subject)
    words = f" --against {against}" if against else ""
    command = f"solvent report data {reference}{words}"
    return render_data(subject, other, read_sample(subject.artifact, stores), command=command)


def table_report(value: Any, against: Any, sensitive: Sequence[str] = ()) -> Report:
    """Make the page of a table at hand, over another one."""
    subject = of_table(value, sensitive)
    other = None if against is None else of_table(against, sensitive, "the other table")
    return render_data(subject, other, sample_of(value, sensitive))


def version_before(subject: Subject) -> Subject | None:
    """Find the newest version before this one that has a profile."""
    before = [each for each in subject.past if each.number < subject.number and each.profile is not None]
    if not before:
        return None
    last = before[-1]
    name = f"{subject.dataset}@{last.number}"
    return Subject(name, last.profile, dataset=subject.dataset, number=last.number, digest=last.digest)


def render_data(subject: Subject, other: Subject | None, sample: Sample | None, *, command: str = "") -> Report:
    """Lay out what is known of a table."""
    profile, former = subject.profile, other.profile if other else None
    drift = _drift(subject, other)
    rows = _rows(subject, other, drift)
    alerts = _alerts(subject, drift, rows)
    return render(
        "data.html",
        subject.name,
        kind="data",
        command=command,
        subject=subject,
        other=other,
        profile=profile,
        drift=drift,
        severity=worst([each.severity for each in alerts]),
        summary=_summary(subject, other, drift, alerts),
        facts=_facts(subject, former),
        alerts=alerts,
        rows=rows,
        moved=[each for each in rows if each.verdict in ("alert", "warn", "new", "gone")],
        sample=sample,
        known=subject.digest != "",
        history=_history(subject, rows),
    )


def _drift(subject: Subject, other: Subject | None) -> TableDrift | None:
    if subject.profile is None or other is None or other.profile is None:
        return None
    history = [each.profile for each in subject.past if each.number < subject.number and each.profile is not None]
    return compare(other.profile, subject.profile, history)


def _rows(subject: Subject, other: Subject | None, drift: TableDrift | None) -> list[ColumnRow]:
    if subject.profile is None:
        return []
    by_name: dict[str, ColumnDrift] = {each.name: each for each in drift.columns} if drift else {}
    numbers = [each.number for each in subject.past]
    places = [numbers.index(each.number) for each in (subject, other) if each is not None and each.number in numbers]
    history = [each.profile for each in subject.past]
    return rows_of(subject.profile, other.profile if other else None, by_name, history, places)


def _alerts(subject: Subject, drift: TableDrift | None, rows: Sequence[ColumnRow]) -> list[Alert]:
    """List what a person should know, worst first."""
    found = [Alert("warn", subject.name, subject.why_no_profile)] if subject.profile is None else []
    found += [Alert("alert", subject.name, "has no rows")] if subject.profile and not subject.profile.rows else []
    found += [
        Alert("alert" if each.status in ("failed", "broken") else "warn", each.name, f"{each.status}: {each.message}")
        for each in subject.checks
        if each.status != "passed"
    ]
    found += [
        told(each)
        for each in subject.findings
        if each.subject.partition(".")[0]
        in (subject.dataset, subject.name, subject.maker.name if subject.maker else "")
        and each.kind != "drift"
    ]
    found += [Alert("warn", each, "") for each in (subject.profile.problems if subject.profile else ())]
    found += _drift_alerts(rows) if drift else []
    found.sort(key=lambda each: each.severity != "alert")
    return found


def told(finding: Finding) -> Alert:
    """Show a finding; a fix that is a command looks like one."""
    typed = finding.fix.startswith("solvent ")
    fix, command = ("", finding.fix) if typed else (finding.fix, "")
    return Alert(finding.severity, finding.subject, finding.message, fix, command)


def _drift_alerts(rows: Sequence[ColumnRow]) -> list[Alert]:
    said = {"new": "is new", "gone": "is gone"}
    moved = [each for each in rows if each.verdict in ("alert", "warn", *said)]
    found = []
    for each in moved[:_ALERTS]:
        severity = "alert" if each.verdict in ("alert", "gone") else "warn"
        words = said.get(each.verdict) or f"has moved: {each.measure}" + (f", {each.moved}" if each.moved else "")
        found.append(Alert(severity, each.name, words, href=f"#{each.anchor}"))
    if len(moved) > _ALERTS:
        found.append(Alert("warn", f"{len(moved) - _ALERTS} more columns", "have moved", href="#columns"))
    return found


def _summary(subject: Subject, other: Subject | None, drift: TableDrift | None, alerts: Sequence[Alert]) -> str:
    """Say in one sentence how this table stands."""
    if subject.profile is None:
        return subject.why_no_profile
    if drift is None or other is None:
        return "There is no other version to compare it with." if subject.dataset else ""
    if drift.verdict == "unknown" and drift.why:
        return f"It can't be compared with {other.name}: {drift.why}."
    verdicts = [each.verdict for each in drift.columns]
    moved = sum(each in ("alert", "warn") for each in verdicts)
    if not moved and not alerts:
        return f"Nothing has moved against {other.name}."
    common = len(verdicts) - verdicts.count("new") - verdicts.count("gone")
    counts = [(verdicts.count("new"), "new"), (verdicts.count("gone"), "gone")]
    more = [f"{number} {'is' if number == 1 else 'are'} {word}" for number, word in counts if number]
    columns = ("column" if common == 1 else "columns") + (" has" if moved == 1 else " have")
    words = f"{moved or 'None'} of {number_text(common)} {columns} moved against {other.name}"
    return f"{words}; {', '.join(more)}." if more else f"{words}."


def _facts(subject: Subject, former: Profile | None) -> list[Fact]:
    profile, artifact, run = subject.profile, subject.artifact, subject.run
    found = []
    if profile is not None:
        is_array = profile.kind == "array"
        found += [
            Fact("rows", number_text(profile.rows), count_change(profile.rows, former.rows if former else None)),
            Fact("columns", number_text(len(profile.columns)), _column_change(profile, former)),
            Fact("shape", " × ".join(map(number_text, profile.shape))) if is_array else Fact("shape", ""),
        ]
    if artifact is not None:
        found.append(Fact("stored", size_text(artifact.size_bytes), f"{artifact.format}, {short_type(artifact.type)}"))
    if profile is not None and profile.size_bytes:
        found.append(Fact("in memory", size_text(profile.size_bytes)))
    if profile is not None and profile.duplicates is not None:
        found.append(Fact("repeated rows", share_text(profile.duplicates)))
    if subject.maker is not None and run is not None:
        commit = f"commit {run.git_commit[:10]}{' and edits' if run.git_diff else ''}" if run.git_commit else ""
        field = f".{subject.maker.field}" if subject.maker.field not in ("", "output") else ""
        found.append(Fact("made by", f"{subject.maker.name}{field}", f"of run {run.id} of {run.pipeline}"))
        found.append(Fact("by", run.user, ", ".join(filter(None, [moment(subject.made_at), commit]))))
    if subject.dataset:
        uses = "used once" if subject.uses == 1 else f"used {subject.uses} times"
        state = "current" if subject.current else "not the current version"
        found.append(
            Fact("version", f"{subject.number} of {subject.versions or len(subject.past)}", f"{state}, {uses}")
        )
    if artifact is not None:
        found.append(Fact("digest", artifact.digest[:16], mono=True))
    return found


def _column_change(profile: Profile, former: Profile | None) -> str:
    if former is None:
        return ""
    now, was = {each.name for each in profile.columns}, {each.name for each in former.columns}
    types = {each.name: each.type for each in former.columns}
    retyped = sum(1 for each in profile.columns if types.get(each.name, each.type) != each.type)
    parts = [f"{len(now - was)} new" if now - was else "", f"{len(was - now)} gone" if was - now else ""]
    parts.append(f"{retyped} of another type" if retyped else "")
    return ", ".join(filter(None, parts)) or "unchanged"


@dataclass(frozen=True, slots=True)
class Panel:
    """One statistic over the versions."""

    name: str
    what: str
    now: str
    drawing: Svg
    anchor: str = ""
    range: str = ""


def _history(subject: Subject, rows: Sequence[ColumnRow]) -> dict[str, Any] | None:
    """Draw the rows over the versions, and a statistic of each column that moved most."""
    past = [each for each in subject.past if each.profile is not None]
    if len(past) < 2:
        return None
    labels = [f"@{each.number}" for each in past]
    counts = [float(each.profile.rows) for each in past if each.profile]
    places = [at for at, each in enumerate(past) if each.number == subject.number]
    large = line_chart(
        [Series("rows", range(len(past)), counts)],
        "rows over the versions",
        width=520,
        height=160,
        x_labels=labels,
        marked=places,
    )
    panels = [
        Panel(row.name, trend.name, trend.now, trend.drawing, row.anchor, trend.range)
        for row in rows
        if row.verdict in ("alert", "warn")
        for trend in row.trends[:1]
    ][:_TRENDS]
    return {"rows": large, "panels": panels, "first": labels[0], "last": labels[-1], "number": len(past)}
