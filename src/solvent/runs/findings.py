"""What a person should know of the data of a run that has ended: anomalies, failed checks, leaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from solvent.metadata.profiles import add_findings, gave_datasets, gave_fields
from solvent.model import Finding
from solvent.runs.checking import find_warnings

if TYPE_CHECKING:
    from solvent.runs.stores import Stores

Collector = Callable[["Stores", str], list[Finding]]


def _anomalies(stores: Stores, run_id: str) -> list[Finding]:
    if not gave_datasets(stores.metadata, run_id):
        return []
    from solvent.runs.anomalies import find_anomalies

    return find_anomalies(stores, run_id)


def _leaks(stores: Stores, run_id: str) -> list[Finding]:
    fields = gave_fields(stores.metadata, run_id)
    if not ({"0", "1"} <= fields or any("train" in field.lower() for field in fields)):
        return []
    from solvent.runs.leaks import find_leaks_of_run

    try:
        return find_leaks_of_run(stores, run_id)
    except Exception as error:  # what is wrong here must not be the end of a run that is done
        return [Finding("leaks", "warn", run_id, f"the run could not be looked at for leaks: {error!r}")]


COLLECTORS: tuple[Collector, ...] = (find_warnings, _anomalies, _leaks)
"""Each looks at one kind of trouble of a run whose profiles are made."""


def find(stores: Stores, run_id: str) -> list[Finding]:
    """Find what there is to say about the data of a run, and keep it with the run."""
    found = [each for collect in COLLECTORS for each in collect(stores, run_id)]
    if found:
        stores.metadata.write(lambda: add_findings(stores.metadata, run_id, found))
    return found
