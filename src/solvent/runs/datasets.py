"""Named datasets and their versions, as people look at them, and the way from "flights@7" to one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Any

from solvent.errors import NotFoundError, nearest
from solvent.metadata import datasets as stored
from solvent.metadata.datasets import DatasetUse, dataset_names
from solvent.runs.profiler import is_profiled
from solvent.runs.stores import Stores
from solvent.runs.views import Artifact, Run, StepRun
from solvent.runs.words import short_type

if TYPE_CHECKING:
    from solvent.profiles.records import Profile
    from solvent.runs.consumers import Consumers


class Dataset:
    """A named line of artifacts of one project; iterating gives its versions, oldest first."""

    def __init__(self, project: str, name: str, stores: Stores) -> None:
        self.project = project
        self.name = name
        self._stores = stores

    @property
    def subject(self) -> str:
        """What notes and tags about the dataset as a whole are kept under."""
        return f"{self.project}/{self.name}"

    @property
    def versions(self) -> list[DatasetVersion]:
        """All versions, oldest first; those that were removed are among them."""
        return self.newest(None)

    def newest(self, limit: int | None, before: int | None = None) -> list[DatasetVersion]:
        """Give so many of the newest versions (below the number `before`), oldest first."""
        found = stored.list_versions(self._stores.metadata, self.project, self.name, limit=limit, before=before)
        return [DatasetVersion(each, self._stores) for each in found]

    @property
    def count(self) -> int:
        """How many versions there are that were not removed."""
        return stored.count_versions(self._stores.metadata, self.project, self.name)

    @property
    def current(self) -> DatasetVersion | None:
        """The version that was given or reused last; None if all were removed."""
        use = stored.current_use(self._stores.metadata, self.project, self.name)
        return self[use.number] if use is not None else None

    @property
    def notes(self) -> list[str]:
        return [each.text for each in self._stores.metadata.notes("dataset", self.subject)]

    @property
    def tags(self) -> list[str]:
        return [each.tag for each in self._stores.metadata.tags("dataset", self.subject)]

    @property
    def latest(self) -> DatasetVersion:
        """The current version: the one that was given or reused last. NotFoundError if all were removed."""
        return self.before(0)

    def before(self, back: int) -> DatasetVersion:
        """Give the version that was current so many changes ago. NotFoundError if it never had so many."""
        use = stored.current_use(self._stores.metadata, self.project, self.name, back)
        if use is not None:
            return self[use.number]
        if back:
            raise NotFoundError(f"{self.name}@latest~{back} goes too far back: the current version changed less often")
        raise NotFoundError(
            f"dataset {self.name!r} has no version that was not removed",
            hint=f"run the pipeline that makes it again, or name one: `solvent data show {self.name}` lists them",
        )

    @property
    def history(self) -> list[DatasetUse]:
        """Every use, newest first: which run gave or reused which version, and when."""
        return stored.list_uses(self._stores.metadata, self.project, self.name)

    def __getitem__(self, which: int | str) -> DatasetVersion:
        """Give a version by its number, or by what `find` takes."""
        if isinstance(which, str):
            return self.find(which)
        number = which
        found = stored.find_number(self._stores.metadata, self.project, self.name, number)
        if found is None:
            raise NotFoundError(f"there is no {self.name}@{number}", hint=self._range())
        return DatasetVersion(found, self._stores)

    def _range(self) -> str:
        newest = self.newest(1)[-1].number
        return (
            f"its versions are {self.name}@1 to {self.name}@{newest}" if newest > 1 else f"it has {self.name}@1 alone"
        )

    def find(self, text: str) -> DatasetVersion:
        """Find a version by what stands behind the @: a number, "latest", "latest~1", or the beginning of a digest."""
        word, tilde, back = text.partition("~")
        if word in ("latest", "") and (not tilde or back.isdecimal()):
            return self.before(int(back or 0))
        if text.isdecimal() and len(text) < 10 and (found := self._numbered(int(text))):
            return found
        if len(text) >= 4 and all(letter in "0123456789abcdef" for letter in text):
            return self._begins(text)
        if text.isdecimal():
            return self[int(text[:18])]
        raise NotFoundError(
            f"{self.name}@{text}: expected a number, latest, latest~1, or the beginning of a digest", hint=self._range()
        )

    def _numbered(self, number: int) -> DatasetVersion | None:
        found = stored.find_number(self._stores.metadata, self.project, self.name, number)
        return DatasetVersion(found, self._stores) if found else None

    def _begins(self, prefix: str) -> DatasetVersion:
        found = stored.find_digests(self._stores.metadata, self.project, self.name, prefix)
        if len(found) == 1:
            return DatasetVersion(found[0], self._stores)
        if found:
            names = ", ".join(f"@{each.number} ({each.digest[:12]})" for each in found[:4])
            raise NotFoundError(
                f"{self.name}@{prefix} names more than one version: {names}", hint="give more characters"
            )
        raise NotFoundError(f"no version of {self.name} has a digest that begins with {prefix}", hint=self._range())

    def __iter__(self) -> Iterator[DatasetVersion]:
        return iter(self.versions)

    def __repr__(self) -> str:
        return f"<dataset {self.name}: {self.count} version{'' if self.count == 1 else 's'}>"


class DatasetVersion:
    """One content of a dataset: `number` is for people, `digest` for machines, and `value()` reads it."""

    def __init__(self, record: stored.DatasetVersion, stores: Stores) -> None:
        self.record = record
        self._stores = stores

    @property
    def project(self) -> str:
        return self.record.project

    @property
    def name(self) -> str:
        """The name of the dataset."""
        return self.record.dataset

    @property
    def number(self) -> int:
        return self.record.number

    @property
    def label(self) -> str:
        """What people call it: "flights@7"."""
        return f"{self.name}@{self.number}"

    @property
    def digest(self) -> str:
        return self.record.digest

    @property
    def made_at(self) -> float:
        """When it was first seen, in seconds since the epoch."""
        return self.record.made_at

    @property
    def removed_at(self) -> float | None:
        """When a person gave up its bytes, if somebody did."""
        return self.record.removed_at

    @property
    def subject(self) -> str:
        """What notes and tags about it are kept under; it stays the same in other stores, where numbers may differ."""
        return f"{self.project}/{self.name}@{self.digest}"

    @property
    def dataset(self) -> Dataset:
        return Dataset(self.project, self.name, self._stores)

    @property
    def current(self) -> bool:
        """Whether it is what `@latest` means."""
        use = stored.current_use(self._stores.metadata, self.project, self.name)
        return use is not None and use.number == self.number

    @cached_property
    def uses(self) -> list[DatasetUse]:
        """Every time that a step gave or reused it, newest first."""
        return stored.list_uses(self._stores.metadata, self.project, self.name, self.number)

    @property
    def use_count(self) -> int:
        return stored.count_uses(self._stores.metadata, self.project, self.name, self.number)

    @cached_property
    def artifact(self) -> Artifact:
        """The stored table, as the type of the newest use. NotFoundError if it was removed and cleaned away."""
        metadata = self._stores.metadata
        newest = stored.list_uses(metadata, self.project, self.name, self.number, limit=1)
        for type_name in [use.type for use in newest] + [None]:
            found = _find_artifact(self._stores, self.digest, type_name)
            if found is not None:
                return found
        raise NotFoundError(
            f"{self.label} is on record, but its content is no longer in the store: it was removed",
            hint="run the pipeline that made it again: the same content is this version again",
        )

    @property
    def profile(self) -> Profile | None:
        """Its statistics, made now if it has none yet; None for what has none, or is not in the store any more."""
        if (found := self.known_profile) is not None:
            return found
        try:
            return self.artifact.profile
        except NotFoundError:
            return None

    @property
    def known_profile(self) -> Profile | None:
        """The statistics that are in the store already."""
        return read_profile(self._stores, self.digest)

    @property
    def sensitive(self) -> tuple[str, ...]:
        """The patterns of columns of which no value is to be shown."""
        return self._stores.project.settings.sensitive_columns

    @property
    def profile_problem(self) -> str:
        """Why it has no statistics; nothing if it has some."""
        from solvent.metadata.profiles import FAILED, find_profile

        found = find_profile(self._stores.metadata, self.digest)
        if found is not None:
            return {FAILED: f"its statistics could not be made: {found.problem}"}.get(found.status, "")
        kinds = {use.type for use in self.uses[:20]}
        if not any(map(is_profiled, kinds)):
            return f"no statistics: {' and '.join(map(short_type, sorted(kinds)))} is no table or array"
        return "no statistics were made of it"

    def value(self) -> Any:
        """Read it back as the type that was saved; bytes that are missing are made again."""
        return self.artifact.value()

    @cached_property
    def made_by(self) -> StepRun | None:
        """The step run that made it first, or the oldest that a clean-up has left."""
        for use in stored.first_uses(self._stores.metadata, self.project, self.name, self.number, 20):
            if found := self._executed(use.run_id, use.position):
                return found
        for type_name in {use.type for use in self.uses[:20]}:
            for made in reversed(self._stores.metadata.producers(self.digest, type_name)):
                if found := self._executed(made.run_id, made.position):
                    return found
        return None

    def _executed(self, run_id: str, position: int) -> StepRun | None:
        """Give a step run, or the execution that it reuses, if it is still on record."""
        if not self._stores.metadata.has_step_run(run_id, position):
            return None
        record = self._stores.metadata.step_run(run_id, position)
        if record.source is not None and self._stores.metadata.has_step_run(*record.source):
            record = self._stores.metadata.step_run(*record.source)
        return StepRun(record, self._stores)

    @cached_property
    def run(self) -> Run | None:
        """The run that made it."""
        made = self.made_by
        return Run(self._stores.metadata.find_run(made.run_id), self._stores) if made else None

    @property
    def user(self) -> str | None:
        return self.run.record.user if self.run else None

    @property
    def commit(self) -> str | None:
        """The git commit of the code that made it."""
        return self.run.record.git_commit if self.run else None

    @cached_property
    def consumers(self) -> Consumers:
        """The runs and models that it went into."""
        from solvent.runs.consumers import find_consumers

        return find_consumers(self, self._stores)

    @property
    def notes(self) -> list[str]:
        return [each.text for each in self._stores.metadata.notes("dataset", self.subject)]

    @property
    def tags(self) -> list[str]:
        return [each.tag for each in self._stores.metadata.tags("dataset", self.subject)]

    def note(self, text: str) -> None:
        """Add a note to this version."""
        from solvent.runs.views import write_note

        write_note(self._stores, "dataset", self.subject, text)

    def __repr__(self) -> str:
        kinds = sorted({short_type(use.type) for use in self.uses[:20]})
        return f"<dataset version {self.label} {self.digest[:12]} ({', '.join(kinds) or 'not used'})>"


def _find_artifact(stores: Stores, digest: str, type_name: str | None) -> Artifact | None:
    try:
        return Artifact(stores.metadata.find_artifact(digest, type_name), stores)
    except NotFoundError:
        return None


def read_profile(stores: Stores, digest: str, type_name: str | None = None) -> Profile | None:
    """Read the profile of a content; None if there is none yet, or no kind of profile fits it."""
    from solvent.metadata.profiles import find_profile

    found = find_profile(stores.metadata, digest, type_name)
    if found is None or found.record is None:
        return None
    from solvent.runs.profiler import profile_from_record

    return profile_from_record(found.record, stores)


def remove_version(version: DatasetVersion, stores: Stores) -> bool:
    """Give up the bytes of a version, which the next clean-up takes unless a run needs them; its number stays.

    Tells whether it had not been removed before.
    """
    metadata = stores.metadata
    return metadata.write(lambda: stored.remove_version(metadata, version.project, version.name, version.number))


def list_datasets(stores: Stores, project: str | None = None) -> list[Dataset]:
    """Give the datasets of a project, or of all projects of the store, in the order of the alphabet."""
    names = dataset_names(stores.metadata)
    return [Dataset(owner, name, stores) for owner, name in names if project in (None, owner)]


def find_version(reference: str, stores: Stores) -> DatasetVersion:
    """Find the version that a person means.

    "flights" and "flights@latest" are the current one, "flights@latest~1" is what was current before it, "flights@7" has
    that number and "flights@ab12cd" a digest that begins so; "shop/flights@7" is that of project shop.
    """
    name, _, text = reference.strip().partition("@")
    return find_dataset(name, stores).find(text)


def find_dataset(reference: str, stores: Stores) -> Dataset:
    """Find a dataset by "name", of this project if it has one so called, or by "project/name"."""
    project, _, name = reference.strip().rpartition("/")
    if stored.has_versions(stores.metadata, project or stores.project_name, name):
        return Dataset(project or stores.project_name, name, stores)
    known = dataset_names(stores.metadata)
    if project:
        raise _unknown(reference, [f"{owner}/{each}" for owner, each in known])
    owners = [owner for owner, each in known if each == name]
    if len(owners) > 1:
        raise NotFoundError(
            f"this project has no dataset {name!r}, and several others have one",
            hint="name one with its project: " + ", ".join(f"{owner}/{name}" for owner in owners),
        )
    if not owners:
        raise _unknown(name, _own_first(known, stores.project_name))
    print(f"solvent: this project has no dataset {name!r}; this is that of project {owners[0]!r}", file=sys.stderr)
    return Dataset(owners[0], name, stores)


def has_dataset(name: str, stores: Stores) -> bool:
    """Whether this project has a dataset of exactly this name."""
    return stored.has_versions(stores.metadata, stores.project_name, name)


def near_dataset(name: str, stores: Stores) -> str:
    """Name the dataset of this project that a word is nearly the name of; "" if it is near to none."""
    names = [each for owner, each in dataset_names(stores.metadata) if owner == stores.project_name]
    return next(iter(get_close_matches(name, names, n=1)), "")


def _own_first(known: list[tuple[str, str]], project: str) -> list[str]:
    own = [name for owner, name in known if owner == project]
    return own or [f"{owner}/{name}" for owner, name in known]


def _unknown(reference: str, known: list[str]) -> NotFoundError:
    if not known:
        return NotFoundError(
            f"there is no dataset {reference!r}: no step has named one yet",
            hint=f'name the output of a step: @step(dataset="{reference}")',
        )
    shown = ", ".join(known[:8]) + (", ..." if len(known) > 8 else "")
    return NotFoundError(f"there is no dataset {reference!r}{nearest(reference, known)}", hint=f"datasets: {shown}")
