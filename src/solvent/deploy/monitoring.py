"""What an endpoint was asked and answered lately, beside what its model was trained and evaluated on."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from solvent.deploy.quality import WORSE, Labels, Quality, live_quality
from solvent.deploy.recompute import Parity, check_parity
from solvent.deploy.requests import (
    AT,
    BUNDLE,
    ID,
    MODEL,
    SECONDS,
    answer_name,
    count_requests,
    gather_log,
    read_versions,
)
from solvent.errors import NotFoundError
from solvent.profiles.drift import ALERT, OK, UNKNOWN, WARN, TableDrift, compare
from solvent.profiles.make import make_profile, mask_profile
from solvent.profiles.records import Profile
from solvent.serving.folder import Bundle, open_bundle
from solvent.serving.recording import statistics_of
from solvent.serving.requestlog import ANSWERED, REFUSED
from solvent.serving.schema import CLOCK, DECIMAL, DURATION
from solvent.serving.statistics import Origin

if TYPE_CHECKING:
    import pyarrow as pa

    from solvent.runs.stores import Stores

WINDOW_ROWS = 500_000
"""So many of the newest rows are looked at; more tell nothing new."""
AS_TEXT = frozenset((CLOCK, DURATION, DECIMAL))
"""Of these kinds a log has texts, and a profile numbers."""
AHEAD_SECONDS = 60.0
"""Requests that far in the future were logged by a machine with another clock."""
FEW_REQUESTS = 20
REFUSED_SHARES = 0.01, 0.05
"""From which share of refused requests on it warns and alerts, if there are at least 20 of them. Our judgement."""

NOTHING, UNCHECKED = TableDrift(UNKNOWN, ()), Parity()


@dataclass(frozen=True)
class Latency:
    """How long requests took inside the server, in seconds."""

    p50: float
    p95: float
    p99: float
    largest: float


@dataclass(frozen=True)
class Monitoring:
    """What was found of an endpoint in a window of time.

    `requests` and `rows` are those logged of the bundle in question, `others` the requests that other bundles answered, by
    model version and digest; `answered` and `refused` count all requests, in the sample of the log or not. `drift` is of the
    request's columns against the training data, `predictions` of the answers against the recorded ones. `alerts` says in
    words what needs somebody; `notes` what else should be known.
    """

    endpoint: str
    model: str
    bundle: str
    since: float
    until: float
    requests: int = 0
    rows: int = 0
    others: Mapping[str, int] = field(default_factory=dict)
    answered: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    latency: Latency | None = None
    drift: TableDrift = NOTHING
    predictions: TableDrift = NOTHING
    parity: Parity = UNCHECKED
    quality: Quality | None = None
    alerts: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """alert, warn, ok, or unknown where there was nothing to look at."""
        if self.alerts:
            return ALERT
        return WARN if self.warnings else OK if self.requests else UNKNOWN


@dataclass(frozen=True)
class LabelSource:
    """Where labels are: a source, dataset version or file, the column `label` (None for the only other one) by `key`.

    `key` may be "order=request_id" where the columns of labels and requests have different names.
    """

    rows: str
    key: str
    label: str | None = None


def monitor(
    folder: str,
    model: str,
    stores: Stores,
    *,
    log: str | None = None,
    seconds: float = 86_400.0,
    labels: LabelSource | None = None,
) -> Monitoring:
    """Take what is new in a log, and look at the requests of the last `seconds` that the bundle in `folder` answered.

    `model` is what people call it. Without a log, what was taken before is looked at.
    """
    bundle = open_bundle(folder)
    manifest = bundle.manifest
    dataset = f"{manifest.endpoint}-requests"
    until = time.time()
    found = Monitoring(manifest.endpoint, model, bundle.digest, until - seconds, until)
    notes: list[str] = []
    if log is not None:
        gathered = gather_log(log, dataset, {bundle.digest: (manifest.request, manifest.response)}, stores)
        notes += _torn(gathered.torn_bytes)
        counts = count_requests(log, found.since)
        found = replace(found, answered=counts.pop(ANSWERED, 0), refused=dict(counts))
    tables = list(read_versions(dataset, stores, found.since))
    if not tables and log is None:
        raise NotFoundError(f"no requests of {manifest.endpoint} were taken yet", hint="name the log: --log FOLDER")
    own, others = _windowed(tables, found)
    notes += _clocks(own, until)
    found = replace(found, others=others, notes=tuple(notes))
    if own is not None and own.num_rows:
        found = _looked_at(found, bundle, own, stores)
        if labels is not None:
            found = replace(found, quality=_quality(bundle, own, labels, stores))
    return _judged(found)


def window_of(found: Monitoring, stores: Stores) -> pa.Table | None:
    """Give the rows that were looked at, as a table."""
    return _windowed(list(read_versions(f"{found.endpoint}-requests", stores, found.since)), found)[0]


def _windowed(tables: Sequence[pa.Table], asked: Monitoring) -> tuple[pa.Table | None, dict[str, int]]:
    """Give the newest rows of the window that the bundle answered, and count the requests of the others."""
    import pyarrow as pa

    pc = _compute()
    own: list[pa.Table] = []
    others: Counter[str] = Counter()
    start = pa.scalar(int(asked.since * 1e6), pa.timestamp("us", "UTC"))
    for table in tables:
        table = table.filter(pc.greater_equal(table[AT], start))
        mine = pc.equal(table[BUNDLE], asked.bundle)
        # Tables of other bundles may have other types under the same names.
        own += [found] if (found := table.filter(mine)).num_rows else []
        others += _by_model(table.filter(pc.invert(mine)))
    if not own:
        return None, dict(others)
    whole = pa.concat_tables(own, promote_options="permissive").sort_by([(AT, "ascending")])
    return whole.slice(max(whole.num_rows - WINDOW_ROWS, 0)), dict(others)


def _compute() -> Any:
    """Give the functions of Arrow, which are made when it is imported, so that type checkers know none of them."""
    import pyarrow.compute as pc

    return pc


def _by_model(table: pa.Table) -> Counter[str]:
    """Count the requests of a table by who answered them."""
    columns = (table[name].to_pylist() for name in (MODEL, BUNDLE, ID))
    asked = set(zip(*columns, strict=True))
    return Counter(f"{model} {digest[:12]}".strip() for model, digest, _ in asked)


def _looked_at(found: Monitoring, bundle: Bundle, own: pa.Table, stores: Stores) -> Monitoring:
    pc = _compute()
    statistics = statistics_of(bundle.folder)
    manifest = bundle.manifest
    asked = [each.name for each in manifest.request.columns]
    answers = {answer_name(each.name, asked): each.name for each in manifest.response.columns}
    logged = [name for name in asked if name in own.column_names]
    as_text = [each.name for each in manifest.request.columns if each.kind in AS_TEXT and each.name in logged]
    notes = [*found.notes, *_named("not in the log", [name for name in asked if name not in logged])]
    notes += _named("logged as text, and not compared", as_text)
    training = _profile(statistics.training, stores)
    recorded = _profile(statistics.answers, stores)
    if training is None:
        notes.append("the profile of the training data is not in this store: drift is not told")
    sensitive = stores.project.settings.sensitive_columns
    window = make_profile(own.select(logged), sensitive=sensitive)
    now = make_profile(own.select(list(answers)).rename_columns(list(answers.values())), sensitive=sensitive)
    return replace(
        found,
        requests=len(pc.unique(own[ID])),
        rows=own.num_rows,
        latency=_latency(own),
        drift=_drift(training, window, [name for name in logged if name not in as_text]),
        predictions=_drift(recorded, now, list(answers.values()), renamed=True),
        parity=check_parity(bundle.folder, manifest, own),
        notes=tuple(notes),
    )


def _drift(reference: Profile | None, current: Profile, names: Sequence[str], *, renamed: bool = False) -> TableDrift:
    """Compare the columns of these names; the columns of an array count in their order."""
    if reference is None:
        return TableDrift(UNKNOWN, (), why="there is no profile to compare with")
    columns = reference.columns
    if renamed and len(columns) == len(names):
        columns = tuple(replace(each, name=name) for each, name in zip(columns, names, strict=True))
    before, after = (tuple(each for each in some if each.name in names) for some in (columns, current.columns))
    return compare(replace(reference, columns=before), replace(current, columns=after))


def _latency(own: pa.Table) -> Latency | None:
    pc = _compute()
    known = pc.drop_null(own[SECONDS])
    if not len(known):
        return None
    p50, p95, p99, largest = pc.quantile(known, [0.5, 0.95, 0.99, 1.0]).to_pylist()
    return Latency(p50, p95, p99, largest)


def _profile(origin: Origin, stores: Stores) -> Profile | None:
    from solvent.runs.datasets import read_profile

    found = read_profile(stores, origin.digest, origin.type) if origin.digest else None
    return None if found is None else mask_profile(found, stores.project.settings.sensitive_columns)


def _named(what: str, names: Sequence[str]) -> list[str]:
    return [f"{what}: {', '.join(names)}"] if names else []


def _torn(size_bytes: int) -> list[str]:
    return [f"{size_bytes} bytes of the log are no whole lines (yet)"] if size_bytes else []


def _clocks(own: pa.Table | None, until: float) -> list[str]:
    if own is None or not own.num_rows:
        return []
    ahead = own[AT][-1].as_py().timestamp() - until
    return [f"the newest request is {ahead:.0f} s in the future: clocks differ"] if ahead > AHEAD_SECONDS else []


def _quality(bundle: Bundle, own: pa.Table, labels: LabelSource, stores: Stores) -> Quality:
    from solvent.deploy.scoring import read_rows

    theirs, _, ours = labels.key.partition("=")
    table = read_rows(labels.rows, stores)
    known = Labels(table, theirs, labels.label, labels.rows)
    asked = [each.name for each in bundle.manifest.request.columns]
    predictions = [answer_name(each.name, asked) for each in bundle.manifest.response.columns]
    return live_quality(own, known, ours or theirs, predictions, _recorded(bundle, known.label, stores))


def _recorded(bundle: Bundle, label: str, stores: Stores) -> tuple[Any, Any] | None:
    """Read the recorded rows' labels and answers, if they are in the store."""
    from solvent.runs.views import Artifact

    statistics = statistics_of(bundle.folder)
    try:
        asked, answers = (
            Artifact(stores.metadata.find_artifact(each.digest, each.type), stores).value()
            for each in (statistics.asked, statistics.answers)
        )
        return asked[label], answers
    except (NotFoundError, KeyError, IndexError, TypeError):
        return None


def _judged(found: Monitoring) -> Monitoring:
    alerts: list[str] = []
    warnings: list[str] = []
    for what, drift in (("column", found.drift), ("prediction", found.predictions)):
        for each in drift.columns:
            if each.verdict not in (OK, UNKNOWN):
                moved = f": {each.moved}" if each.moved else ""
                (alerts if each.verdict != WARN else warnings).append(f"{what} {each.name} drifted{moved}")
    if found.parity.different:
        alerts.append(f"{found.parity.different} of {found.parity.rows} rows are answered otherwise offline: skew")
    if found.parity.problem:
        warnings.append(f"parity: {found.parity.problem}")
    if found.quality is not None and found.quality.verdict == WORSE:
        alerts.append(f"live {found.quality.chief} is worse than on the recorded rows")
    number = found.refused.get(REFUSED, 0)
    share = number / max(number + found.answered, 1)
    if number >= FEW_REQUESTS and share > REFUSED_SHARES[0]:
        (alerts if share > REFUSED_SHARES[1] else warnings).append(f"{share:.0%} of the requests were refused")
    return replace(found, alerts=tuple(alerts), warnings=tuple(warnings))


def training_table(folder: str, stores: Stores) -> pa.Table | None:
    """Read the table that the model of a bundle was fitted on, if it is in the store."""
    from solvent.profiles.rows import as_arrow
    from solvent.runs.views import Artifact

    origin = statistics_of(folder).training
    try:
        return as_arrow(Artifact(stores.metadata.find_artifact(origin.digest, origin.type), stores).value(), loose=True)
    except NotFoundError:
        return None
