"""Something to do as soon as a library is loaded, also when that is in the middle of a step."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

Action = Callable[[ModuleType], None]

_actions: dict[str, Action] = {}


def on_arrival(name: str, action: Action) -> None:
    """Call the action with the module of this name when it has been loaded, from now on."""
    if not _actions:
        sys.meta_path.insert(0, _finder)
    _actions[name] = action


class _Finder:
    """Finds no module itself: it lets the others find one and goes along when that is executed."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> Any:
        action = _actions.get(name)
        if action is None:
            return None
        # Only those after this one: another of its kind may stand there, and would ask this one again.
        for finder in sys.meta_path[sys.meta_path.index(self) + 1 :]:
            find = getattr(finder, "find_spec", None)
            spec = find(name, path, target) if find is not None else None
            if spec is not None:
                if hasattr(spec.loader, "exec_module"):
                    spec.loader = _Loader(spec.loader, action)
                return spec
        return None


class _Loader:
    """Stands in for a module's loader until the module is executed."""

    def __init__(self, loader: Any, action: Action) -> None:
        self._loader = loader
        self._action = action

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: Any) -> ModuleType | None:
        created: ModuleType | None = self._loader.create_module(spec)
        return created

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        # What the module left in its place, if it did.
        self._action(sys.modules.get(module.__name__, module))


_finder: Any = _Finder()
