"""What the profiles of a run's dataset versions say: where they are not as expected, and where they have drifted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from solvent.errors import SolventError
from solvent.metadata import datasets
from solvent.metadata.schemas import StoredSchema, newest_schema
from solvent.model import Finding
from solvent.runs.datasets import read_profile
from solvent.runs.stores import Stores

if TYPE_CHECKING:
    from solvent.metadata.datasets import DatasetUse
    from solvent.profiles.anomalies import Anomaly
    from solvent.profiles.drift import ColumnDrift, TableDrift
    from solvent.profiles.records import Profile
    from solvent.profiles.schema import Schema

TOLD = 8
"""So many anomalies of one version are told one by one."""
HISTORY = 20
"""Limits of drift are learnt from so many of the newest versions."""
_FIRST = 10
"""If the first versions have no statistics, as after a crash, the first of so many that has some is what is expected."""


class KnownSchema(NamedTuple):
    """What is expected of a dataset: accepted by a person (`stored`), else inferred from the version of that `number`."""

    schema: Schema
    stored: StoredSchema | None
    number: int | None

    @property
    def source(self) -> str:
        """Where it is from, in words."""
        if self.stored is None:
            return f"inferred from version {self.number}"
        place = f"from version {self.stored.version}" if self.stored.version is not None else "from a file"
        return f"number {self.stored.number}, accepted {place} by {self.stored.author}"


def find_schema(stores: Stores, project: str, dataset: str) -> KnownSchema | None:
    """Give what is expected of a dataset; None if nothing was accepted and no version has statistics."""
    from solvent.profiles.schema import infer, schema_from_json

    stored = newest_schema(stores.metadata, project, dataset)
    if stored is not None:
        return KnownSchema(schema_from_json(stored.record), stored, stored.version)
    for version in datasets.list_versions(stores.metadata, project, dataset, limit=_FIRST, before=_FIRST + 1):
        profile = read_profile(stores, version.digest)
        if profile is not None:
            return KnownSchema(infer(profile), None, version.number)
    return None


def find_anomalies(stores: Stores, run_id: str) -> list[Finding]:
    """Look at each dataset version that a run gave, if another one was the current version before.

    What is not as the schema expects is found each time; that a version is like the one before it makes no noise.
    """
    found: list[Finding] = []
    for dataset, use, former in _changes(stores, run_id):
        try:
            found += _look(stores, dataset, use, former)
        except SolventError:
            raise
        except Exception as error:  # whatever the statistics hold, the run is done
            problem = f"its statistics could not be compared: {type(error).__name__}: {error}"
            found.append(Finding("anomaly", "warn", f"{dataset}@{use.number}", problem))
    return found


def _changes(stores: Stores, run_id: str) -> Iterator[tuple[str, DatasetUse, int | None]]:
    """Give the uses of a run that made another version the current one, with the number of the former."""
    current: dict[str, int | None] = {}
    for dataset, use in datasets.datasets_of_run(stores.metadata, run_id):
        if dataset not in current:
            current[dataset] = _current_before(stores, dataset, run_id)
        if current[dataset] != use.number:
            yield dataset, use, current[dataset]
        current[dataset] = use.number


def _current_before(stores: Stores, dataset: str, run_id: str) -> int | None:
    use = datasets.use_before(stores.metadata, stores.project_name, dataset, run_id)
    return use.number if use is not None else None


def _look(stores: Stores, dataset: str, use: DatasetUse, former: int | None) -> Iterator[Finding]:
    metadata, project = stores.metadata, stores.project_name
    version = datasets.find_number(metadata, project, dataset, use.number)
    profile = read_profile(stores, version.digest, use.type) if version is not None else None
    known = find_schema(stores, project, dataset) if profile is not None else None
    if profile is None or known is None:
        return
    from solvent.profiles.anomalies import anomalies

    label = f"{dataset}@{use.number}"
    found = anomalies(known.schema, profile) if known.stored or known.number != use.number else []
    yield from _anomalous(label, found)
    if former is not None:
        drift = _drift(stores, dataset, former, use.number, profile, known.schema)
        finding = _drifted(label, f"{dataset}@{former}", drift, found, profile) if drift is not None else None
        if finding is not None:
            yield finding


def _anomalous(label: str, found: list[Anomaly]) -> Iterator[Finding]:
    shown = found if len(found) <= TOLD else found[: TOLD - 1]
    for each in shown:
        detail = {"anomaly": each.name, "column": each.column, "proposal": each.proposal}
        yield Finding("anomaly", each.severity, label, each.message, each.command(label), json.dumps(detail))
    if len(shown) < len(found):
        rest = found[len(shown) :]
        worst = "alert" if any(each.severity == "alert" for each in rest) else "warn"
        message = (
            f"{len(rest)} more: {', '.join(each.name for each in rest[:TOLD])}{'' if len(rest) <= TOLD else ', ...'}"
        )
        yield Finding("anomaly", worst, label, message, f"solvent schema {label}")


def _drift(
    stores: Stores, dataset: str, former: int, number: int, current: Profile, schema: Schema
) -> TableDrift | None:
    """Compare a version with the one before it, as what has changed so far tells what is usual."""
    from solvent.profiles.drift import compare

    project = stores.project_name
    before = datasets.find_number(stores.metadata, project, dataset, former)
    reference = read_profile(stores, before.digest) if before is not None else None
    if reference is None:
        return None
    past = datasets.list_versions(stores.metadata, project, dataset, limit=HISTORY)
    there = [each.digest for each in past if each.number != number]
    history = [profile for each in there if (profile := read_profile(stores, each)) is not None]
    watched = {each.name for each in current.columns}
    watched -= {each.name for each in schema.columns if not each.watched}
    return compare(_only(reference, watched), _only(current, watched), history)


def _only(profile: Profile, names: set[str]) -> Profile:
    from dataclasses import replace

    return replace(profile, columns=tuple(each for each in profile.columns if each.name in names))


def _drifted(label: str, former: str, drift: TableDrift, told: list[Anomaly], profile: Profile) -> Finding | None:
    """Say what has drifted, if the table alerts for more than what the schema has told already."""
    if drift.verdict != "alert":
        return None
    known = {each.column for each in told}
    moved = [each for each in drift.columns if each.verdict in ("warn", "alert") and not _is_told(each, known)]
    if not moved:
        return None
    moved.sort(key=lambda each: each.verdict != "alert")
    words = "; ".join(f"{each.name}: {each.moved}" for each in moved[:3] if each.moved)
    more = f"; {len(moved) - 3} more columns" if len(moved) > 3 else ""
    detail = {each.name: {"measure": each.measure, "value": each.value, "verdict": each.verdict} for each in moved}
    alerting = [each.name for each in moved if each.verdict == "alert"]
    fix = _usual(label, alerting, profile) or f"solvent data diff {former} {label}"
    return Finding("drift", "alert", label, f"drift from {former}: {words}{more}", fix, json.dumps(detail))


def _usual(label: str, alerting: list[str], profile: Profile) -> str:
    """Give the line that stops watching what always drifts: columns of one value a version, such as the month."""
    import shlex

    constant = {each.name for each in profile.columns if each.role == "constant"}
    if not alerting or not constant.issuperset(alerting):
        return ""
    return f"solvent accept {label} {' '.join(shlex.quote(f'{name}.drift') for name in alerting)}"


def _is_told(column: ColumnDrift, told: set[str | None]) -> bool:
    return column.name in told and column.measure in ("type", "nulls", "unseen")
