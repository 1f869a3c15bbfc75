"""The pipeline of a recorded run, loaded as it was: from a module, or from the script that called `run` itself."""

from __future__ import annotations

import ast
import os
import sys
from types import ModuleType
from typing import Any

from solvent.errors import TargetError
from solvent.fingerprint.sources import read_source
from solvent.runs.target import load_module, split_target
from solvent.runs.tracebacks import user_traceback


class _Reached(BaseException):
    """Ends a script at its call of `run`: all that comes before it is defined."""


def load_former_pipeline(target: str, root: str, command: str) -> Any:
    """Load the pipeline that `target` names; `command` is what was typed for its run."""
    place, name = split_target(target)
    if place.startswith("<") or "<locals>" in name:
        raise TargetError(
            f"the pipeline {target} was written in a notebook or inside a function, not in a module's file"
        )
    path = os.path.join(root, *place.split("/"))
    module = load_script(path) if was_script(path, command) else load_module(path)
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
    if not getattr(found, "__solvent_pipeline__", False):
        raise TargetError(f"no pipeline {name!r} in {place} any more")
    return found


def was_script(path: str, command: str) -> bool:
    """Whether a run was started by a script itself, and not by `solvent run`."""
    import shlex

    return shlex.split(command)[:1] == [os.path.basename(path)]


def load_script(path: str) -> ModuleType:
    """Load a script as `__main__`, for its classes are called that; it does not go on beyond its first `run`."""
    from solvent.runs import api

    source = read_source(path)
    if source is None:
        raise TargetError(f"the script {path} is gone, and no snapshot has it")
    module = ModuleType("__main__")
    module.__file__ = path
    sys.modules["__main__"] = module
    sys.argv = [path]
    folder = os.path.dirname(path)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    api.run = _stop
    try:
        exec(compile(_without_main_part(source, path), path, "exec", dont_inherit=True), module.__dict__)
    except _Reached:
        return module
    except BaseException as error:
        raise TargetError(f"{path} could not be run\n{user_traceback(error).rstrip()}") from error
    return module


def load_declarations(path: str) -> ModuleType:
    """Load what a script defines before its first `run`, which is not done; it is no module of this process."""
    from solvent.runs import api

    source = read_source(path)
    if source is None:
        raise TargetError(f"the script {path} is gone")
    module = ModuleType(os.path.splitext(os.path.basename(path))[0])
    module.__file__ = path
    folder = os.path.dirname(path)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    solvent = vars(sys.modules["solvent"])
    known = api.run, solvent.get("run")
    api.run = solvent["run"] = _stop
    try:
        exec(compile(_without_main_part(source, path), path, "exec", dont_inherit=True), module.__dict__)
    except _Reached:
        return module
    except (Exception, SystemExit) as error:
        raise TargetError(f"{path} could not be loaded\n{user_traceback(error).rstrip()}") from error
    finally:
        api.run = known[0]
        solvent["run"] = known[1] or known[0]
    return module


def _stop(*args: Any, **kwargs: Any) -> Any:
    raise _Reached


def _without_main_part(source: bytes, path: str) -> ast.Module:
    """Leave out `if __name__ == "__main__":`, which does what the script is for and defines nothing."""
    tree = ast.parse(source, path)
    tree.body = [each for each in tree.body if not (isinstance(each, ast.If) and _asks_for_main(each.test))]
    return tree


def _asks_for_main(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"
