"""What use leaves behind in an object is no part of its content: looking at it, or predicting with it, is no change."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

# scikit-learn's text vectorizers remember where in memory their stop words lay.
_ADDRESSES = frozenset({"_stop_words_id"})
# Its search trees count how often they were asked: trims, leaves, splits and calls, at these places of their state.
_TREES = frozenset(
    f"sklearn.neighbors.{module}:BinaryTree{bits}" for module in ("_kd_tree", "_ball_tree") for bits in ("", "32", "64")
)
_COUNTERS = slice(7, 11)


def without_traces(cls: type, state: Any) -> Any:
    """Return the state that an object is rebuilt from without what use has left in it."""
    if isinstance(state, dict):
        return without_cached(cls, state)
    if isinstance(state, tuple) and len(state) > _COUNTERS.stop and _is_search_tree(cls):
        return state[: _COUNTERS.start] + state[_COUNTERS.stop :]
    return state


def without_cached(cls: type, state: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return attributes without those that cached properties have left behind."""
    cached = getattr(sys.modules.get("functools"), "cached_property", ())
    return {
        name: each
        for name, each in state.items()
        if not isinstance(getattr(cls, name, None) if isinstance(name, str) else None, cached)
        and name not in _ADDRESSES
    }


def _is_search_tree(cls: type) -> bool:
    return any(f"{base.__module__}:{base.__qualname__}" in _TREES for base in cls.__mro__)
