"""The seed of a step run, and whether the global random generators were used."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from hashlib import sha256
from typing import Any

_SEED_BITS = 63


def step_seed(run_seed: int, key: str) -> int:
    """Derive the seed of a step run from the run seed and its cache key: 63 bits of a SHA-256."""
    text = f"seed\0{run_seed}\0{key}".encode()
    return int.from_bytes(sha256(text).digest()[:8], "big") >> (64 - _SEED_BITS)


class Seeding:
    """Seeds `random`, NumPy's legacy generator and torch, those that are loaded, for the length of a `with` block.

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
        for name in _loaded():
            if self._restore:
                self._before[name] = _GET[name]()
            _SEED[name](self._seed)
            self._start[name] = _GET[name]()
        return self

    def __exit__(self, *error: object) -> None:
        for name in _loaded():
            if name not in self._start:
                # It was loaded by the step itself, seeded by the system: what it drew can't be told, so it counts as used.
                self.moved = self.moved or name == "numpy"
            elif not _same(_GET[name](), self._start[name]):
                self.moved = True
        for name, state in self._before.items():
            _SET[name](state)


def _loaded() -> list[str]:
    return ["random", *(name for name in ("numpy", "torch") if _MARK[name] in sys.modules)]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    found: Any = one == other
    return bool(found.all()) if hasattr(found, "all") else bool(found)


def _numpy() -> Any:
    return sys.modules["numpy.random"]


def _torch() -> Any:
    return sys.modules["torch"]


_MARK = {"numpy": "numpy.random", "torch": "torch"}
_GET: dict[str, Callable[[], Any]] = {
    "random": random.getstate,
    "numpy": lambda: _numpy().get_state(),
    "torch": lambda: _torch().get_rng_state(),
}
_SET: dict[str, Callable[[Any], Any]] = {
    "random": random.setstate,
    "numpy": lambda state: _numpy().set_state(state),
    "torch": lambda state: _torch().set_rng_state(state),
}
_SEED: dict[str, Callable[[int], Any]] = {
    "random": random.seed,
    "numpy": lambda seed: _numpy().seed(seed % 2**32),
    "torch": lambda seed: _torch().manual_seed(seed),
}
