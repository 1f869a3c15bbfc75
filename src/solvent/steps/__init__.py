"""Ready-made steps: load_source, split, preprocess, train, evaluate; each is loaded when it is first used."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from solvent.steps.evaluate import evaluate
    from solvent.steps.leakage import check_leakage
    from solvent.steps.preprocess import Preprocess, fit_preprocess, preprocess
    from solvent.steps.sources import load_source
    from solvent.steps.split import Parts, assign, split
    from solvent.steps.train import fit, predict

__all__ = [
    "Parts",
    "Preprocess",
    "assign",
    "check_leakage",
    "evaluate",
    "fit",
    "fit_preprocess",
    "load_source",
    "predict",
    "preprocess",
    "split",
]

_HOMES = {
    "solvent.steps.evaluate": ("evaluate",),
    "solvent.steps.leakage": ("check_leakage",),
    "solvent.steps.preprocess": ("Preprocess", "fit_preprocess", "preprocess"),
    "solvent.steps.split": ("Parts", "assign", "split"),
    "solvent.steps.sources": ("load_source",),
    "solvent.steps.train": ("fit", "predict"),
}


class _Words(ModuleType):
    """Keeps `evaluate` and the like the steps that they are, also once the files of that name are loaded."""

    def __setattr__(self, name: str, new: Any) -> None:
        if not (name in __all__ and isinstance(new, ModuleType)):
            super().__setattr__(name, new)


sys.modules[__name__].__class__ = _Words


def __getattr__(name: str) -> Any:
    home = next((home for home, words in _HOMES.items() if name in words), None)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    word = getattr(import_module(home), name)
    globals()[name] = word
    return word


def __dir__() -> list[str]:
    return __all__
