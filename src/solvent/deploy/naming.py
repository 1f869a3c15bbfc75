"""Names by which a process that has only the code finds a step again."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from solvent.errors import BundleError
from solvent.fingerprint.ownership import user_file


def name_of(step: Any) -> str:
    """Give "module:qualname" of a step: where it was defined, or, if a function made it, the name that it was bound to.

    BundleError if it has no such name: it could not be found again.
    """
    spec = step.spec
    if spec.module == "__main__":
        raise BundleError(
            f"step `{spec.name}` was defined by a script that was run with `python`, and has no module to be found in",
            hint="run it with `solvent run FILE.py`, which gives the file a name, and make the bundle of that run",
        )
    if _at(sys.modules.get(spec.module), spec.qualname) is step:
        return f"{spec.module}:{spec.qualname}"
    found = next(_bound_to(step), None)
    if found is None:
        raise BundleError(
            f"step `{spec.name}` has no name at the top level of a module: it was made by `{spec.qualname}`",
            where=spec.module,
            hint="bind it to a name beside the pipeline (`name = make(...)`), and call it by that name",
        )
    return found


def _at(module: Any, path: str) -> Any:
    found = module
    for part in path.split("."):
        found = getattr(found, part, None)
    return found


def _bound_to(step: Any) -> Iterator[str]:
    """Look through the modules of the user, that of the step's own function first."""
    names = sorted(sys.modules, key=lambda name: (name != step.spec.module, name))
    for name in names:
        module = sys.modules[name]
        file = getattr(module, "__file__", None)
        if name != "__main__" and isinstance(file, str) and user_file(file):
            for bound, value in list(vars(module).items()):
                if value is step:
                    yield f"{name}:{bound}"
