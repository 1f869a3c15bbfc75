"""What differs between two runs: code, config, data, environment, seed and metrics; nothing of what is equal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from solvent.model import Observation
from solvent.runs.measured import MetricDifference, compare_metrics, is_evaluation
from solvent.runs.views import Run, StepRun
from solvent.runs.words import short_type


class Difference(NamedTuple):
    """One thing that differs: its name, and what it was in the first and the second run (None: not there)."""

    name: str
    first: Any
    second: Any


class Comparison:
    """The differences of two runs by section; empty sections are left out."""

    def __init__(
        self, first: Run, second: Run, sections: Mapping[str, Sequence[Difference | MetricDifference]]
    ) -> None:
        self.first = first
        self.second = second
        self.sections = {name: found for name, found in sections.items() if found}

    def __bool__(self) -> bool:
        return bool(self.sections)

    def __getitem__(self, section: str) -> Sequence[Any]:
        return self.sections.get(section, [])

    def as_json(self) -> dict[str, Any]:
        return {
            "first": self.first.id,
            "second": self.second.id,
            **{name: [each._asdict() for each in found] for name, found in self.sections.items()},
        }

    def __repr__(self) -> str:
        lines = [f"{self.first.id} -> {self.second.id}"]
        for name, found in self.sections.items():
            lines.append(name)
            lines.extend(f"  {each.name}: {shown(each.first)} -> {shown(each.second)}{_judged(each)}" for each in found)
        return "\n".join(lines if self.sections else [*lines, "no difference"])


def _judged(each: Difference | MetricDifference) -> str:
    return f"  {each.verdict}" if isinstance(each, MetricDifference) and each.change_interval else ""


def shown(value: Any) -> str:
    """Show a side of a difference in a few words."""
    if value is None:
        return "(none)"
    return value if isinstance(value, str) else f"{value:.6g}" if isinstance(value, float) else json.dumps(value)


def compare(first: Run, second: Run, *, paired: bool | None = None) -> Comparison:
    """Compare two runs, read from the store alone; `solvent.runs.measured` says what `paired` does."""
    ours, theirs = _by_label(first), _by_label(second)
    sections: dict[str, Sequence[Difference | MetricDifference]] = {
        "code": _code(first, second),
        "config": _pairs(_flat(first.config), _flat(second.config)),
        "data": _data(ours, theirs),
        "environment": _pairs(_packages(first), _packages(second)),
        "seed": _pairs({"run seed": first.record.seed}, {"run seed": second.record.seed}),
        "metrics": compare_metrics(first, second, paired),
        "steps": _pairs(
            {k: s.status for k, s in ours.items()}, {k: s.status for k, s in theirs.items()}, only_missing=True
        ),
    }
    return Comparison(first, second, sections)


def traits_of(run: Run) -> dict[str, dict[str, Any]]:
    """Give all that runs are compared by besides their metrics: by section, each name with what it is in this run."""
    steps = _by_label(run)
    return {
        "config": _flat(run.config),
        "code": _symbols(run),
        "data": {name: digest for step in steps.values() for name, digest in _files(step).items()},
        "environment": _packages(run),
        "seed": {"run seed": run.record.seed},
        "outputs": {name: text for step in steps.values() for name, text in _outcomes(step).items()},
    }


def _outcomes(step: StepRun) -> dict[str, str | None]:
    if is_evaluation(step):
        return {}  # its metrics say it
    return {_output_name(step, field): _described(each) for field, each in step.artifacts.items()}


def _output_name(step: StepRun, field: str) -> str:
    return f"{step.label}{'.' + field if field != 'output' else ''}"


def _by_label(run: Run) -> dict[str, StepRun]:
    return {step.label: step for step in run.steps}


def _pairs(old: Mapping[str, Any], new: Mapping[str, Any], *, only_missing: bool = False) -> list[Difference]:
    names = dict.fromkeys([*old, *new])
    return [
        Difference(name, old.get(name), new.get(name))
        for name in names
        if (name not in old or name not in new if only_missing else old.get(name) != new.get(name))
    ]


def _flat(tree: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(tree, dict):
        return {prefix: tree}
    found: dict[str, Any] = {}
    for name, each in tree.items():
        found.update(_flat(each, f"{prefix}.{name}" if prefix else name))
    return found


def _code(first: Run, second: Run) -> list[Difference]:
    return _pairs(_symbols(first), _symbols(second))


def _symbols(run: Run) -> dict[str, str]:
    """Give the digest of each symbol that the run's steps reach, short, with its place."""
    found: dict[str, str] = {}
    for digest in dict.fromkeys([run.record.code, *(step._record.code for step in run.steps)]):
        code = run._stores.metadata.load_code(digest) if digest else None
        for symbol in code.symbols if code else ():
            found[symbol.name] = f"{symbol.digest[:10]}"
    return found


def _packages(run: Run) -> dict[str, str]:
    digest = run.record.environment
    loaded = run._stores.metadata.load_environment(digest) if digest else None
    if loaded is None:
        return {}
    about = json.loads(loaded[0])
    versions = dict(about.get("distributions", []))
    return {"python": about.get("python", ""), "platform": about.get("platform", ""), **versions}


def _data(ours: Mapping[str, StepRun], theirs: Mapping[str, StepRun]) -> list[Difference]:
    """Compare what the steps read and gave: files by content, outputs by digest, tables by column."""
    found: list[Difference] = []
    for label in dict.fromkeys([*ours, *theirs]):
        old, new = ours.get(label), theirs.get(label)
        if old is None or new is None:
            continue
        found += _pairs(_files(old), _files(new))
        found += _outputs(old, new)
    return list(dict.fromkeys(found))


def _files(step: StepRun) -> dict[str, str]:
    named = {f"file {path}": digest[:10] for path, digest in step.parts.get("externals", {}).items()}
    execution = step._record.execution
    seen = {f"{o.kind} {o.subject}": _token(o) for o in execution.observations if o.subject} if execution else {}
    return {**named, **seen}


def _token(seen: Observation) -> str:
    return seen.token if seen.kind == "source" else seen.token[:10]


def _outputs(old: StepRun, new: StepRun) -> list[Difference]:
    found = []
    before, after = old.artifacts, new.artifacts
    if is_evaluation(old) and is_evaluation(new):
        return []  # its metrics say it
    for field in dict.fromkeys([*before, *after]):
        a, b = before.get(field), after.get(field)
        if a and b and (a.digest, a.type) == (b.digest, b.type):
            continue
        name = _output_name(new, field)
        found.append(Difference(name, _described(a), _described(b)))
        if a and b and a.columns is not None and b.columns is not None:
            changed = [c for c in dict.fromkeys([*a.columns, *b.columns]) if a.columns.get(c) != b.columns.get(c)]
            found.append(Difference(f"{name} columns", "", ", ".join(map(str, changed)) or "index only"))
    return found


def _described(artifact: Any) -> str | None:
    return f"{short_type(artifact.type)} {artifact.digest[:10]}" if artifact else None
