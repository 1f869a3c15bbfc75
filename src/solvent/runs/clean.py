"""Cleaning a store beside runs at work: rows first and committed, then the bytes that nothing names any more.

The protocol, and why it is safe, is in decisions/0011-clean-beside-runs.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from solvent.artifacts.store import CLAIM_SECONDS
from solvent.errors import StoreError
from solvent.metadata import cleaning
from solvent.metadata.cleaning import Choice, Count
from solvent.metadata.dropped import forget_unnamed_dropped
from solvent.metadata.store import MetadataStore
from solvent.metadata.usage import Owned, forecast, usage
from solvent.runs.beside import CLEANING, others_writing
from solvent.runs.drop import Freed, drop, forget_what_is_back
from solvent.runs.facts import user_name
from solvent.runs.leftovers import remove_leftovers
from solvent.runs.lives import status_of
from solvent.runs.stores import Stores
from solvent.runs.sweep import Swept, sweep

GRACE_SECONDS = 3600.0
LEAST_SECONDS = 2 * CLAIM_SECONDS
"""Beside writers no younger bytes go, whatever was asked for: a writer renews the time of what it wants, but not always."""


_NAMED = 12
"""How many of the runs that would go are named."""


class Preview(NamedTuple):
    """What a clean-up would do, or is about to: how many runs go, the first of them, and how many bytes, by owner."""

    runs: Count
    first: list[str]
    before: list[Owned]
    after: list[Owned]
    swept: Swept


class Cleaned(NamedTuple):
    """What a clean-up did. `held_for` are the runs at work because of which `held_runs` go only in a later one."""

    removed_runs: int
    stubs: int
    before: list[Owned]
    after: list[Owned]
    swept: Swept
    leftover_bytes: int
    held_runs: int
    held_for: tuple[str, ...]


class Cleaning:
    """One clean-up of a store; no other one can be at work meanwhile."""

    def __init__(self, stores: Stores, choice: Choice, *, grace_seconds: float | None = None) -> None:
        self._stores = stores
        self._metadata: MetadataStore = stores.metadata
        self._choice = choice if choice.nothing else _until_now(choice)
        self._grace_seconds = grace_seconds
        self.alive: tuple[str, ...] = ()

    def preview(self) -> Preview:
        """Say what would go, and change nothing."""
        metadata = self._metadata
        cleaning.prepare(metadata)
        if not self._choice.nothing:
            cleaning.choose(metadata, self._choice, self.living(), metadata.project)
            cleaning.find_reached(metadata)
        before = usage(metadata)
        count = cleaning.count_doomed(metadata)
        first = cleaning.list_doomed(metadata, _NAMED)
        cleaning.scan_results(metadata)
        after = forecast(metadata) if count.runs else before
        return Preview(count, first, before, after, sweep(self._stores, self.cutoff, pretend=True))

    def run(self, at: Callable[[str], object] = lambda point: None) -> Cleaned:
        """Clean, and say what went. `at` hears of each stage before it begins."""
        with _alone(self._stores):
            return self._run(at)

    def _run(self, at: Callable[[str], object]) -> Cleaned:
        metadata = self._metadata
        cleaning.prepare(metadata)
        before = usage(metadata)
        number = cleaning.begin_cleaning(metadata, user_name())
        forget_what_is_back(self._stores)
        at("condemn")
        if not self._choice.nothing:
            cleaning.choose(metadata, self._choice, self.living(), metadata.project)
            cleaning.condemn(metadata, number)
        at("wait")
        held, held_for = self._hold(number)
        at("remove runs")
        cleaning.find_reached(metadata)
        stubs = cleaning.count_doomed(metadata).stubs
        removed = cleaning.remove_runs(metadata)
        at("remove artifacts")
        cleaning.scan_results(metadata)
        cleaning.remove_artifacts(metadata)
        self._forget_descriptions()
        at("remove bytes")
        swept = sweep(self._stores, self.cutoff)
        at("remove leftovers")
        leftovers = remove_leftovers(self._stores, self.cutoff, self.living())
        cleaning.end_cleaning(metadata, number)
        return Cleaned(removed, stubs, before, usage(metadata), swept, leftovers, held, held_for)

    def drop(self, *, pretend: bool = False) -> Freed:
        """Remove the bytes of the chosen runs, of all if none were named, that can be made again; all rows stay.

        Raises StoreError beside runs at work: they may be about to read them.
        """
        with _alone(self._stores):
            metadata = self._metadata
            cleaning.prepare(metadata)
            number = None if pretend else cleaning.begin_cleaning(metadata, user_name())
            cleaning.choose(metadata, self._choice, self.living(), metadata.project)
            # What is left of cleaned runs is there for others: these alone say whether its bytes may go.
            cleaning.choose_stubs(metadata, metadata.project)
            dropped = drop(self._stores, self._at_work, pretend=pretend)
            if number is not None:
                cleaning.end_cleaning(metadata, number)
            return dropped

    def compact(self) -> int:
        """Give the free part of the metadata store's file back to the disk, and tell how much it was.

        Raises StoreError beside runs at work: they would have to wait for it.
        """
        with _alone(self._stores):
            if alive := self._at_work():
                raise StoreError(
                    f"the metadata store can't be made smaller beside a run at work: {', '.join(alive[:3])}",
                    hint="try again when it has ended; until then the free part of the file is used again",
                )
            free = self._metadata.free_bytes()
            self._metadata.compact()
            return free - self._metadata.free_bytes()

    def living(self) -> list[str]:
        """Tell which runs are at work."""
        found = cleaning.runs_at_work(self._metadata)
        return [run.id for run in found if status_of(run, self._stores.locks) == "running"]

    def _at_work(self) -> list[str]:
        return [*self.living(), *(["a copy or a repair"] if others_writing(self._stores.locks) else [])]

    def cutoff(self) -> float | None:
        """Tell since when bytes must have lain unnamed to go; None if nobody can be about to name any."""
        place = self._stores.place
        shared = place.artifacts is not None or self._stores.metadata_url is not None
        busy, grace = bool(self._at_work()), self._grace_seconds
        if grace is None:
            return time.time() - GRACE_SECONDS if busy or shared else None
        return time.time() - (max(grace, LEAST_SECONDS) if busy else grace)

    def _hold(self, number: int) -> tuple[int, tuple[str, ...]]:
        """Take up what was condemned, but for what a run may still name that lived when it was."""
        metadata = self._metadata
        with metadata.transaction():
            # Whoever is on record only after this has looked up nothing yet, and finds nothing condemned.
            alive = self.living()
            cleaning.set_waits(metadata, number, alive)
        waits = {each: [id for id in ids if id in alive] for each, ids in cleaning.waits(metadata).items()}
        waiting = {each: ids for each, ids in waits.items() if ids}
        held = cleaning.take_up(metadata, waiting)
        return held, tuple(dict.fromkeys(id for ids in waiting.values() for id in ids))

    def _forget_descriptions(self) -> None:
        unused = cleaning.unused_descriptions(self._metadata)
        with self._metadata.transaction():
            cleaning.remove_descriptions(self._metadata, unused, alone=not self.living())
            forget_unnamed_dropped(self._metadata)


def _until_now(choice: Choice) -> Choice:
    """Spare runs that begin after the choice was made."""
    now = time.time()
    return choice._replace(started_before=min(now, now if choice.started_before is None else choice.started_before))


@contextmanager
def _alone(stores: Stores) -> Iterator[None]:
    if not stores.locks.try_lock(CLEANING):
        raise StoreError("another clean-up is at work on this store", hint="wait until it has ended")
    try:
        yield
    finally:
        stores.locks.unlock(CLEANING)


__all__ = ("Choice", "Cleaned", "Cleaning", "Owned", "Preview")
