"""Loaded by Python itself in the child processes of a step: what they read is reported to the step's own process."""

import os
import sys
from contextlib import suppress
from types import ModuleType


def _watch() -> None:
    report = os.environ.get("SOLVENT_WITNESS")
    if not report or not os.path.exists(report):
        return
    # Under a name of its own: a child that uses Solvent itself watches its own steps with its own modules.
    package = ModuleType("_solvent_child")
    package.__path__ = [os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]
    sys.modules[package.__name__] = package
    from _solvent_child import natives, witness  # type: ignore[import-not-found]

    natives.wrap_loaded()
    witness.watch(witness.Reporter(report))


def _go_on() -> None:
    """Load the sitecustomize that this one stands before, if there is one."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder or ".") != here]
    own = sys.modules.pop("sitecustomize", None)
    try:
        import sitecustomize  # type: ignore[import-not-found] # noqa: F401
    except ImportError:
        if own is not None:  # Python looks its module up once more after loading it
            sys.modules["sitecustomize"] = own


# A child must run as it would without us.
with suppress(Exception):
    _watch()
_go_on()
