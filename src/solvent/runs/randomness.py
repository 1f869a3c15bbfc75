"""The seed of a step run, and whether the global random generators were used."""

from __future__ import annotations

import random
import sys
from hashlib import sha256
from typing import Any

from solvent.runs.arrivals import on_arrival

_SEED_BITS = 63


def step_seed(run_seed: int, key: str) -> int:
    """Derive the seed of a step run from the run seed and its cache key: 63 bits of a SHA-256."""
    text = f"seed\0{run_seed}\0{key}".encode()
    return int.from_bytes(sha256(text).digest()[:8], "big") >> (64 - _SEED_BITS)


class Seeding:
    """Seeds `random`, NumPy's legacy generator and torch, each as soon as it is loaded, for the length of a `with` block.

    Afterwards `moved` says whether any of them was used. With `restore` their former states come back.
    """

    __slots__ = ("_before", "_restore", "_seed", "_start", "moved")

    def __init__(self, seed: int, restore: bool) -> None:
        self._seed = seed
        self._restore = restore
        self._before: dict[str, Any] = {}
        self._start: dict[str, Any] = {}
        self.moved = False

    def __enter__(self) -> Seeding:
        for name, kind in _GENERATORS.items():
            if name in sys.modules:
                self.take(name, kind)
        _active.append(self)
        return self

    def __exit__(self, *error: object) -> None:
        _active.remove(self)
        for name, start in self._start.items():
            if not _GENERATORS[name].is_at(start):
                self.moved = True
        for name, state in self._before.items():
            _GENERATORS[name].set(state)

    def take(self, name: str, kind: type[_Random]) -> None:
        """Seed one generator and remember how it was and where it starts."""
        if self._restore:
            self._before[name] = kind.get()
        kind.seed(self._seed)
        self._start[name] = kind.get()


_active: list[Seeding] = []


class _Random:
    """The generator behind the functions of `random`, by its methods in C: they take half the time."""

    _one: Any = random.random.__self__  # type: ignore[attr-defined]
    _plain: Any = super(random.Random, _one)

    @classmethod
    def get(cls) -> Any:
        return cls._plain.getstate(), cls._one.gauss_next

    @classmethod
    def set(cls, state: Any) -> None:
        cls._plain.setstate(state[0])
        cls._one.gauss_next = state[1]

    @classmethod
    def seed(cls, seed: int) -> None:
        cls._plain.seed(seed)
        cls._one.gauss_next = None

    @classmethod
    def is_at(cls, start: Any) -> bool:
        """Whether the state is still this one."""
        now = cls.get()
        # The place in its block of numbers comes last and moves with every number drawn.
        return bool(now[0][-1] == start[0][-1] and now == start)


class _Numpy(_Random):
    @classmethod
    def get(cls) -> Any:
        return sys.modules["numpy.random"].get_state()

    @classmethod
    def set(cls, state: Any) -> None:
        sys.modules["numpy.random"].set_state(state)

    @classmethod
    def seed(cls, seed: int) -> None:
        sys.modules["numpy.random"].seed(seed % 2**32)

    @classmethod
    def is_at(cls, start: Any) -> bool:
        now = cls.get()
        return bool(now[0] == start[0] and now[2:] == start[2:] and (now[1] == start[1]).all())


class _Torch(_Random):
    @classmethod
    def get(cls) -> Any:
        return sys.modules["torch"].get_rng_state()

    @classmethod
    def set(cls, state: Any) -> None:
        sys.modules["torch"].set_rng_state(state)

    @classmethod
    def seed(cls, seed: int) -> None:
        sys.modules["torch"].manual_seed(seed)

    @classmethod
    def is_at(cls, start: Any) -> bool:
        return bool((cls.get() == start).all())


_GENERATORS: dict[str, type[_Random]] = {"random": _Random, "numpy.random": _Numpy, "torch": _Torch}


def _on_arrival(module: Any) -> None:
    for seeding in _active:
        seeding.take(module.__name__, _GENERATORS[module.__name__])


for _name in ("numpy.random", "torch"):
    on_arrival(_name, _on_arrival)
