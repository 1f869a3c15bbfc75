"""What a run page says of one call of a step: how it went, what it took and gave, its checks and what it printed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from solvent.model import CheckResult
from solvent.profiles.charts import cut, sparkline
from solvent.profiles.numbers import number_text
from solvent.profiles.records import Profile
from solvent.profiles.svg import Svg
from solvent.runs.measured import is_evaluation
from solvent.runs.views import Run, StepRun
from solvent.runs.words import seconds_text, short_type, size_text

_TABLES = 24
_COLUMNS = 8
_LOG = 8_000
_LOGS = 120_000
_ARGUMENTS = 24
_WORDS = 120


class Output(NamedTuple):
    """An output of a step: `version` is the dataset version that it is; `columns` are small charts."""

    field: str
    type: str
    size: str
    shape: str
    version: str
    digest: str
    columns: Sequence[tuple[str, Svg]]
    more: int = 0


class Given(NamedTuple):
    """An argument of a step: a literal, or what another step gave, whose place on the page is `href`."""

    name: str
    text: str
    href: str = ""
    detail: str = ""


class Section(NamedTuple):
    """One call of a step."""

    label: str
    anchor: str
    status: str
    took: str
    memory: str
    why: str
    inputs: Sequence[Given]
    files: Sequence[str]
    outputs: Sequence[Output]
    checks: Sequence[CheckResult]
    log: str
    log_rest: str


def sections_of(run: Run, versions: dict[tuple[int, str], str]) -> list[Section]:
    """Give a section for each call; `versions` names the dataset version of (position, field).

    Small charts are drawn for the first two dozen tables, and the logs are cut to 120 kB together.
    """
    by_position = {step.position: step for step in run.steps}
    room = [_TABLES, _LOGS]
    return [_section(step, by_position, versions, room) for step in run.steps]


def _section(
    step: StepRun, others: dict[int, StepRun], versions: dict[tuple[int, str], str], room: list[int]
) -> Section:
    log, rest = _log(step, room)
    memory = size_text(step.peak_memory_bytes) if step.peak_memory_bytes and step.memory_scope == "step" else ""
    return Section(
        label=step.label,
        anchor=f"s{step.position}",
        status=step.status,
        took=seconds_text(step.seconds) if step.status in ("done", "failed") else "",
        memory=memory,
        why=step.why,
        inputs=_inputs(step, others),
        files=[cut(f"{each}", _WORDS) for each in step.parts.get("externals", {})][:_ARGUMENTS],
        outputs=_outputs(step, versions, room),
        checks=step.checks,
        log=log,
        log_rest=rest,
    )


def _inputs(step: StepRun, others: dict[int, StepRun]) -> list[Given]:
    found = []
    texts = {name: given[2] for name, given in step.parts.get("arguments", {}).items() if given[2]}
    for name, text in list(texts.items())[:_ARGUMENTS]:
        found.append(Given(name, cut(str(text), _WORDS)))
    for each in step.input_records[:_ARGUMENTS]:
        other = others.get(each.position) if each.position is not None and each.run_id == step.run_id else None
        field = f".{each.field}" if each.field else ""
        words = f"{other.label}{field}" if other else each.digest[:12]
        found.append(Given(each.name, words, f"#s{other.position}" if other else "", short_type(each.type)))
    return found


def _outputs(step: StepRun, versions: dict[tuple[int, str], str], room: list[int]) -> list[Output]:
    if is_evaluation(step):
        return [Output("output", "Metrics", "", "", "", "", ())]
    found = []
    for field, artifact in step.artifacts.items():
        profile = artifact.known_profile
        columns: list[tuple[str, Svg]] = []
        if profile is not None and room[0] > 0 and step.status in ("done", "reused"):
            room[0] -= 1
            columns = _columns(profile)
        more = len(profile.columns) - len(columns) if profile is not None and columns else 0
        found.append(
            Output(
                field,
                short_type(artifact.type),
                size_text(artifact.size_bytes),
                _shape(profile),
                versions.get((step.position, field), ""),
                artifact.digest[:12],
                columns,
                more,
            )
        )
    return found


def _columns(profile: Profile) -> list[tuple[str, Svg]]:
    drawn = [each for each in profile.columns if each.quantiles or each.top]
    return [(cut(each.name, 24), sparkline(each, width=104, height=26)) for each in drawn[:_COLUMNS]]


def _shape(profile: Profile | None) -> str:
    if profile is None:
        return ""
    if profile.kind == "array":
        return " × ".join(map(number_text, profile.shape))
    return f"{number_text(profile.rows)} rows × {number_text(len(profile.columns))}"


def _log(step: StepRun, room: list[int]) -> tuple[str, str]:
    """Give the end of what a step printed, which says most, and how much is left out."""
    if step.status not in ("done", "failed") and step.source is None:
        return "", ""
    text = step.log if room[1] > 0 else ""
    if not text.strip():
        return "", ""
    kept = text[-min(_LOG, room[1]) :]
    room[1] -= len(kept)
    left = len(text) - len(kept)
    return kept, f"The first {left:,} characters are not shown; `solvent log` has them." if left else ""
