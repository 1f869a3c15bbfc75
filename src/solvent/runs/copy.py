"""Copying runs between stores by union: what is there already stays, and a copy done twice changes nothing.

A run is named by its id and an artifact by its digest, everywhere. What a store counts for itself, such as the numbers of
versions, is not copied: it is given anew by the store that gets them, in the order of their times, with the digest as the
identity.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from typing import Protocol

from solvent.metadata import transfers
from solvent.metadata.datatransfers import makers_of_versions
from solvent.runs.beside import writing
from solvent.runs.cargo import Count, Facts, Group, Refusal, page_share
from solvent.runs.carry import Carrier
from solvent.runs.stores import Stores

_GROUP_RUNS = 50
_GROUP_PAGES = 4
_PAGE = 500


class Copying(Protocol):
    """What is told of a copy while it goes on, from any thread."""

    def planned(self, runs: int) -> None: ...

    def moved(self, size_bytes: int) -> None: ...

    def carried(self, runs: int) -> None: ...


@dataclass
class Copied:
    """What a copy did: `sent` and `found` (there already), how many runs came `along` because others reuse them,
    and which runs were refused or left out, and why."""

    sent: Count = field(default_factory=Count)
    found: Count = field(default_factory=Count)
    along: int = 0
    refused: dict[str, Refusal] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


def choose_runs(
    source: Stores,
    references: Sequence[str] = (),
    *,
    pipeline: str | None = None,
    tag: str | None = None,
    project: str | None = None,
    limit: int | None = None,
) -> list[str]:
    """Give the ids of the runs that are meant: those of the references, else all that match, newest first.

    Where all are meant, so are those that were cleaned but for what dataset versions are made of.
    """
    if references:
        return list(dict.fromkeys(source.metadata.find_run(each).id for each in references))
    found: list[str] = []
    while limit is None or len(found) < limit:
        size = _PAGE if limit is None else min(_PAGE, limit - len(found))
        before = found[-1] if found else None
        page = source.metadata.list_runs(pipeline, None, tag, size, before, project=project)
        found.extend(record.id for record in page)
        if len(page) < size:
            break
    return found if pipeline or tag or limit is not None else [*found, *makers_of_versions(source.metadata, project)]


def copy_runs(
    source: Stores,
    target: Stores,
    ids: Sequence[str],
    *,
    origin: str,
    dry: bool = False,
    watcher: Copying | None = None,
) -> Copied:
    """Copy these runs, and those whose step runs they reuse, with all that belongs to them.

    A run is there as a whole or not at all, whenever the copy is cut off; the next one goes on. A run that can't be copied
    is refused by itself, with the reason, and the others go on. `origin` is written into runs that were made in the source.
    """
    watcher = watcher or _Silent()
    began = time.monotonic()
    copied = Copied()
    started, sources = _gather(source, ids)
    order = sorted(started, key=lambda id: (started[id], id))
    facts = Facts(transfers.weigh_runs(source.metadata, order), sources)
    watcher.planned(len(order))
    with (
        nullcontext() if dry else writing(target.locks),
        closing(Carrier(source, target, origin=origin, dry=dry, moved=watcher.moved)) as carrier,
    ):
        for group in _groups(order, facts):
            done = carrier.carry(group, sources, copied.refused.keys() | copied.left_out.keys())
            _count(copied, done, set(ids))
            watcher.carried(len(group))
    copied.seconds = time.monotonic() - began
    return copied


def _count(copied: Copied, group: Group, chosen: set[str]) -> None:
    copied.sent.add(group.sent)
    copied.found.add(group.found)
    copied.along += sum(1 for id in group.going() if id not in chosen and id not in group.there)
    copied.refused.update(group.refused)
    copied.left_out.update(group.left_out)


def _gather(source: Stores, ids: Sequence[str]) -> tuple[dict[str, float], dict[str, list[str]]]:
    """Find these runs and those that they build on: when each started, and which of them each reuses."""
    started: dict[str, float] = {}
    sources: dict[str, list[str]] = {}
    new = list(ids)
    while new:
        for part in _parts(new):
            started.update((id, run.started_at) for id, run in transfers.read_runs(source.metadata, part).items())
            sources.update(transfers.read_sources(source.metadata, part))
        new = sorted({each for id in new for each in sources.get(id, ())} - started.keys() - sources.keys() - set(new))
    return started, {id: [each for each in found if each in started] for id, found in sources.items()}


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + _PAGE] for start in range(0, len(ids), _PAGE))


def _groups(order: Sequence[str], facts: Facts) -> Iterator[list[str]]:
    """Divide runs into groups, each run with or after all that it builds on; runs that build on each other go together."""
    placed: set[str] = set()
    group: list[str] = []
    pages = 0.0
    for id in order:
        for each in _with_sources(id, facts.sources, placed):
            placed.add(each)
            group.append(each)
            pages += page_share(facts.weight(each))
        if len(group) >= _GROUP_RUNS or pages >= _GROUP_PAGES:
            yield group
            group, pages = [], 0.0
    if group:
        yield group


def _with_sources(id: str, sources: Mapping[str, Iterable[str]], placed: set[str]) -> list[str]:
    found: dict[str, None] = {}
    waiting = [id]
    while waiting:
        each = waiting.pop()
        if each not in placed and each not in found:
            found[each] = None
            waiting.extend(sources.get(each, ()))
    return list(found)


class _Silent:
    def planned(self, runs: int) -> None:
        pass

    def moved(self, size_bytes: int) -> None:
        pass

    def carried(self, runs: int) -> None:
        pass
