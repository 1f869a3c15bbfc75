"""A name stands for an object in some module; nothing is imported before the name is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from solvent.errors import SolventError, nearest


class Plugin(NamedTuple):
    """Where an object lives ("module:object") and what to install when its library is missing."""

    target: str
    install: str = ""


class Registry:
    """Built-in plugins by name, then those that installed distributions announce under an entry point group.

    Entry points are read only when a name is not known otherwise, since listing them costs as much as a small run.
    """

    def __init__(self, group: str, plugins: Mapping[str, Plugin], error: type[SolventError] = SolventError) -> None:
        self.group = group
        self._plugins = dict(plugins)
        self._error = error
        self._loaded: dict[str, Any] = {}
        self._announced: dict[str, Plugin] | None = None

    def load(self, name: str) -> Any:
        """Give the object that a name stands for, importing its module at the first call."""
        try:
            return self._loaded[name]
        except KeyError:
            plugin = self._plugins.get(name) or self.announced().get(name)
        if plugin is None:
            raise self._error(f"there is no {self._noun} {name!r}{nearest(name, self.names())}")
        return self._loaded.setdefault(name, self._import(name, plugin))

    def register(self, name: str, target: str, install: str = "") -> None:
        """Make a name stand for "module:object" in this process; a later registration wins."""
        self._plugins[name] = Plugin(target, install)
        self._loaded.pop(name, None)

    def names(self) -> list[str]:
        """List the names known so far, sorted."""
        return sorted({*self._plugins, *(self._announced or ())})

    def install_hint(self, name: str) -> str:
        """Say what to install for a plugin, or nothing."""
        plugin = self._plugins.get(name)
        return f"pip install {plugin.install}" if plugin and plugin.install else ""

    def announced(self) -> dict[str, Plugin]:
        """Read the entry points of the group, once in a process."""
        if self._announced is None:
            from importlib.metadata import entry_points

            self._announced = {point.name: Plugin(point.value) for point in entry_points(group=self.group)}
        return self._announced

    def load_announced(self) -> Iterator[tuple[str, Any]]:
        """Go through the plugins that installed distributions announce."""
        for name in sorted(self.announced()):
            yield name, self.load(name)

    @property
    def _noun(self) -> str:
        return self.group.rpartition(".")[2].removesuffix("s")

    def _import(self, name: str, plugin: Plugin) -> Any:
        module, _, path = plugin.target.partition(":")
        try:
            found: Any = __import__(module, fromlist=["_"])
            for part in path.split("."):
                found = getattr(found, part)
        except (ImportError, AttributeError) as error:
            hint = f"pip install {plugin.install}" if plugin.install else None
            raise self._error(f"the {self._noun} {name!r} can't be loaded: {error}", hint=hint) from error
        return found
