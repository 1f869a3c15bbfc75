"""What a data page is about: one version of a dataset, an artifact or a table at hand, and all that is known around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from solvent.errors import NotFoundError
from solvent.metadata.profiles import find_profile, list_findings
from solvent.model import WHOLE, ArtifactRef, CheckResult, Finding, RunRecord
from solvent.profiles.records import Profile, SplitRecord
from solvent.reports.relations import NO_RELATIONS, Relations, Step, find_relations, find_split
from solvent.runs.datasets import DatasetVersion, find_version, has_dataset, read_profile
from solvent.runs.profiler import is_profiled
from solvent.runs.views import Artifact
from solvent.runs.words import short_type

if TYPE_CHECKING:
    from solvent.runs.stores import Stores
    from solvent.runs.views import StepRun


_PAST = 30
_LATER = 13
"""How many versions a history shows: the newest ones, up to a dozen after the one that the page is about."""


@dataclass(frozen=True, slots=True)
class Past:
    """One version of a dataset in its history."""

    number: int
    digest: str
    made_at: float
    profile: Profile | None


@dataclass(frozen=True, slots=True)
class Subject:
    """A table to look at. `name` is flights@7, a digest, or what the caller called it.

    `why_no_profile` says why there is none. `past` are all versions of the dataset, oldest first, itself among them.
    """

    name: str
    profile: Profile | None
    why_no_profile: str = ""
    dataset: str = ""
    number: int = 0
    current: bool = True
    artifact: ArtifactRef | None = None
    digest: str = ""
    made_at: float | None = None
    maker: Step | None = None
    run: RunRecord | None = None
    takers: Sequence[Step] = ()
    uses: int = 0
    versions: int = 0
    relations: Relations = NO_RELATIONS
    split: SplitRecord | None = None
    past: Sequence[Past] = ()
    findings: Sequence[Finding] = ()
    checks: Sequence[CheckResult] = ()
    notes: Sequence[str] = ()
    tags: Sequence[str] = ()


def find_subject(reference: str, stores: Stores, *, whole: bool = True) -> Subject:
    """Find flights@7, flights@latest, flights, or any table that `solvent artifacts` can name.

    What is not wanted `whole` comes without its history and relations: that is all that a page says of the other version.
    """
    name = reference.partition("@")[0]
    if "@" in reference or has_dataset(name, stores):
        return of_version(find_version(reference, stores), stores, whole=whole)
    try:
        return of_artifact(reference, stores)
    except NotFoundError:
        if "/" in reference:
            raise
        return of_version(find_version(reference, stores), stores, whole=whole)  # says which datasets there are


def of_version(version: DatasetVersion, stores: Stores, *, whole: bool = True) -> Subject:
    """Read all that is known around a version of a dataset, or its profile alone."""
    if not whole:
        profile, why = find_statistics(version.digest, None, stores)
        return Subject(version.label, profile, why, version.name, version.number, digest=version.digest)
    artifact = _artifact(version, stores)
    profile, why = find_statistics(version.digest, artifact.type if artifact else None, stores)
    maker = _maker(version.made_by, version.digest, stores)
    return Subject(
        name=version.label,
        profile=profile,
        why_no_profile=why,
        dataset=version.name,
        number=version.number,
        current=version.current,
        artifact=artifact,
        digest=version.digest,
        made_at=version.made_at,
        uses=version.use_count,
        versions=version.dataset.newest(1)[-1].number,
        past=[_past(each, version, profile, stores) for each in version.dataset.newest(_PAST, version.number + _LATER)],
        notes=version.notes,
        tags=version.tags,
        **_around(maker, artifact, stores),
    )


def _artifact(version: DatasetVersion, stores: Stores) -> ArtifactRef | None:
    try:
        return stores.metadata.find_artifact(version.digest, version.artifact.type)
    except NotFoundError:  # the version is on record, its content was removed
        return None


def _past(each: DatasetVersion, version: DatasetVersion, profile: Profile | None, stores: Stores) -> Past:
    found = profile if each.number == version.number else find_statistics(each.digest, None, stores)[0]
    return Past(each.number, each.digest, each.made_at, found)


def _maker(step_run: StepRun | None, digest: str, stores: Stores) -> Step | None:
    if step_run is None:
        return None
    fields = [name for name, each in step_run.artifacts.items() if each.digest == digest]
    record = stores.metadata.step_run(step_run.run_id, step_run.position)
    return Step(record.run_id, record.position, record.name, (fields or [""])[0], record.finished_at)


def of_artifact(reference: str, stores: Stores) -> Subject:
    """Find a table that no dataset names, as `solvent artifacts` does."""
    from solvent.runs.references import find_output

    found = find_output(reference, stores)
    return of_content(found.digest, found.type, stores, reference if "/" in reference else "")


def of_content(digest: str, type: str, stores: Stores, name: str = "") -> Subject:
    """Read all that is known around a stored table."""
    artifact = stores.metadata.find_artifact(digest, type)
    made = stores.metadata.producers(artifact.digest, artifact.type)
    maker = None
    if made:
        first = made[-1]
        maker = Step(first.run_id, first.position, first.step, first.field or "output", first.finished_at)
    profile, why = find_statistics(artifact.digest, artifact.type, stores)
    return Subject(
        name=name or artifact.digest[:12],
        profile=profile,
        why_no_profile=why,
        artifact=artifact,
        digest=artifact.digest,
        made_at=maker.at if maker else None,
        **_around(maker, artifact, stores),
    )


def of_table(value: Any, sensitive: Sequence[str] = (), name: str = "") -> Subject:
    """Make the profile of a table at hand, of which nothing else is known."""
    from solvent.profiles.make import make_profile

    kind = type(value)
    return Subject(
        name or short_type(f"{kind.__module__}:{kind.__qualname__}"), make_profile(value, sensitive=sensitive)
    )


def _around(maker: Step | None, artifact: ArtifactRef | None, stores: Stores) -> dict[str, Any]:
    """Read who made a table, who took it, and what its checks and the findings of that run say."""
    consumers = stores.metadata.consumers(artifact.digest, artifact.type) if artifact else []
    taken = [Step(each.run_id, each.position, each.step, each.argument, each.finished_at) for each in consumers]
    return {
        "maker": maker,
        "run": stores.metadata.find_run(maker.run_id) if maker else None,
        "takers": taken,
        "relations": find_relations(artifact, taken, stores) if artifact else NO_RELATIONS,
        "split": find_split([*([maker] if maker else []), *taken], stores),
        "checks": _checks(maker, stores),
        "findings": list_findings(stores.metadata, maker.run_id) if maker else (),
    }


def _checks(maker: Step | None, stores: Stores) -> tuple[CheckResult, ...]:
    execution = stores.metadata.step_run(maker.run_id, maker.position).execution if maker else None
    if maker is None or execution is None:
        return ()
    return tuple(each for each in execution.checks if (each.field if each.field != WHOLE else "output") == maker.field)


def find_statistics(digest: str, type: str | None, stores: Stores) -> tuple[Profile | None, str]:
    """Read the profile of a content, or say why there is none. With a type, one that is not there yet is made."""
    profile = read_profile(stores, digest, type) or read_profile(stores, digest)
    if profile is None and type is not None and is_profiled(type):
        profile = Artifact(stores.metadata.find_artifact(digest, type), stores).profile
    if profile is not None:
        return profile, ""
    found = find_profile(stores.metadata, digest, type) or find_profile(stores.metadata, digest)
    if found is None:
        return None, "There is no profile of it: it is no table and no array."
    return None, f"Its profile failed: {found.problem}" if found.problem else "Its profile is not made yet."
