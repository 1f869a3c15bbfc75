"""Solvent: pipelines of plain functions, with a cache that can be trusted and a record of everything.

Each public word is loaded when it is first used, so `import solvent` stays fast.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from solvent.config.secrets import Secret
    from solvent.pipelines.context import log, rng, seed
    from solvent.pipelines.endpoint import Contract, Endpoint
    from solvent.pipelines.files import File, Folder
    from solvent.pipelines.pipeline import pipeline
    from solvent.pipelines.ref import each, value
    from solvent.pipelines.step import Step, step
    from solvent.reports.api import report
    from solvent.runs.api import dataset, diff, load, plan, remake, run, runs, why
    from solvent.sources.handle import source

    __version__: str

__all__ = [
    "Contract",
    "Endpoint",
    "File",
    "Folder",
    "Secret",
    "Step",
    "dataset",
    "diff",
    "each",
    "load",
    "log",
    "pipeline",
    "plan",
    "remake",
    "report",
    "rng",
    "run",
    "runs",
    "seed",
    "source",
    "step",
    "value",
    "why",
]

_HOMES = {
    "solvent.config.secrets": ("Secret",),
    "solvent.pipelines.context": ("log", "rng", "seed"),
    "solvent.pipelines.endpoint": ("Contract", "Endpoint"),
    "solvent.pipelines.files": ("File", "Folder"),
    "solvent.pipelines.pipeline": ("pipeline",),
    "solvent.pipelines.ref": ("each", "value"),
    "solvent.pipelines.step": ("Step", "step"),
    "solvent.reports.api": ("report",),
    "solvent.sources.handle": ("source",),
    "solvent.runs.api": ("dataset", "diff", "load", "plan", "remake", "run", "runs", "why"),
}


class _Words(ModuleType):
    """Keeps `solvent.plan` and `solvent.runs` the functions that they are, also once the folders of that name load."""

    def __setattr__(self, name: str, new: Any) -> None:
        if not (name in __all__ and isinstance(new, ModuleType)):
            super().__setattr__(name, new)


sys.modules[__name__].__class__ = _Words


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("solvent")
        except PackageNotFoundError:  # it is on the path and not installed
            return "unknown"
    for home, words in _HOMES.items():
        if name in words:
            # Before the user's own modules are imported: an edit must never be hidden by a bytecode cache.
            from solvent.fingerprint.loading import compile_user_modules_from_source

            compile_user_modules_from_source()
            word = getattr(__import__(home, fromlist=[name]), name)
            globals()[name] = word
            return word
    raise AttributeError(f"module 'solvent' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
