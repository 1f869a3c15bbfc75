"""What a copy knows of the runs that go together, and what it counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from solvent.metadata.dropped import Dropped
from solvent.metadata.results import Name
from solvent.metadata.transfers import Page, Weight
from solvent.model import ArtifactRef, Blob, RunRecord

PAGE_STEPS = 500
PAGE_BYTES = 16 << 20
PAGE_BLOBS = 20_000


@dataclass
class Count:
    """How much of each kind."""

    runs: int = 0
    step_runs: int = 0
    artifacts: int = 0
    blobs: int = 0
    bytes: int = 0

    def add(self, other: Count) -> None:
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass
class Refusal:
    """Why a run can't be copied, and which parts of it are the reason."""

    problem: str
    parts: list[str] = field(default_factory=list)


class Facts(NamedTuple):
    """Of some runs: how large each is, and on which other runs it builds."""

    weights: Mapping[str, Weight]
    sources: Mapping[str, Sequence[str]]

    def weight(self, id: str) -> Weight:
        return self.weights.get(id, Weight())

    def of(self, ids: Iterable[str]) -> dict[str, Weight]:
        return {id: self.weights[id] for id in ids if id in self.weights}

    def pages(self, ids: Iterable[str]) -> Iterator[Page]:
        """Divide the step runs of these runs into what is held in memory at once."""
        few: list[str] = []
        filled = 0.0
        for id in ids:
            weight = self.weight(id)
            size = page_share(weight)
            if size > 1:
                span = max(1, int(weight.step_runs / size))
                yield from (Page((id,), first, first + span) for first in range(0, weight.end, span))
                continue
            if filled + size > 1:
                yield Page(tuple(few))
                few, filled = [], 0.0
            few.append(id)
            filled += size
        if few:
            yield Page(tuple(few))


def page_share(weight: Weight) -> float:
    """Tell how much of a page a run fills; more than 1 for one that needs several."""
    return max(weight.step_runs / PAGE_STEPS, weight.log_bytes / PAGE_BYTES, weight.blobs / PAGE_BLOBS)


@dataclass
class Group:
    """The runs that go together.

    `there` are those that the target has, with their statuses, `partial` those of which it has only a part; `refused` those
    that can't go and `left_out` those that are not to go, each with the reason. `needed` are the artifacts to write, `whole`
    those that are there with all their bytes, `safe` the blobs that are there now, `arrived` those of them that this copy
    brought, `dropped` those that were removed on purpose. `cleaning` is the target's newest clean-up when this was found.
    """

    facts: Facts
    cleaning: tuple[int, int]
    records: dict[str, RunRecord] = field(default_factory=dict)
    there: dict[str, str] = field(default_factory=dict)
    partial: set[str] = field(default_factory=set)
    refused: dict[str, Refusal] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    needed: set[Name] = field(default_factory=set)
    whole: set[Name] = field(default_factory=set)
    safe: dict[str, Blob] = field(default_factory=dict)
    arrived: set[str] = field(default_factory=set)
    dropped: dict[str, Dropped] = field(default_factory=dict)
    read: dict[Page, dict[Name, ArtifactRef]] = field(default_factory=dict)
    sent: Count = field(default_factory=Count)
    found: Count = field(default_factory=Count)

    def refuse(self, id: str, problem: str, part: str = "") -> None:
        refusal = self.refused.setdefault(id, Refusal(problem))
        if part and part not in refusal.parts:
            refusal.parts.append(part)

    def going(self) -> list[str]:
        return [id for id in self.records if id not in self.refused]

    def filled(self) -> list[str]:
        """Name the runs whose step runs are written: those that are not there, or only in part."""
        return [id for id in self.going() if id not in self.there or id in self.partial]

    def builds_on(self) -> set[str]:
        """Name the other runs that must be there, since runs of this group reuse their step runs."""
        return {each for id in self.filled() for each in self.facts.sources.get(id, ())} - self.records.keys()
