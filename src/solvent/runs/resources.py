"""How much of the machine is free, and how much a step asks for."""

from __future__ import annotations

from collections.abc import Callable
from operator import add, sub
from typing import Any

from solvent.model import Resources


class Room:
    """Tokens of cpus, memory and gpus; a step that asks for more than there is gets all there is, alone."""

    def __init__(self, total: Resources, wanted: Callable[[str], Resources]) -> None:
        self._total = total
        self._free = total
        self._wanted = wanted

    def need(self, step_name: str) -> Resources:
        return _combine(min, self._wanted(step_name), self._total)

    @property
    def full(self) -> bool:
        return self._free.cpus <= 0

    def fits(self, need: Resources) -> bool:
        return all(a <= b for a, b in zip(need, self._free, strict=True))

    def take(self, need: Resources) -> None:
        self._free = _combine(sub, self._free, need)

    def give_back(self, need: Resources) -> None:
        self._free = _combine(add, self._free, need)


def _combine(how: Callable[[Any, Any], Any], one: Resources, other: Resources) -> Resources:
    return Resources(how(one.cpus, other.cpus), how(one.memory_mb, other.memory_mb), how(one.gpus, other.gpus))
