"""From what a person types to a pipeline: `path/file.py`, `path/file.py:pipeline` or `package.module:pipeline`."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from types import ModuleType
from typing import Any

from solvent.errors import SolventError, TargetError, nearest
from solvent.fingerprint.loading import SourceLoader, compile_user_modules_from_source, has_source
from solvent.runs.tracebacks import user_traceback


def load_pipeline(target: str) -> Any:
    """Import the file or module of `target` and give its pipeline. Raises TargetError with the way out."""
    place, name = split_target(target)
    module = load_module(place)
    return _choose(module, name, target)


def split_target(target: str) -> tuple[str, str]:
    """Split off the pipeline's name; a drive letter is not a separator."""
    place, colon, name = target.rpartition(":")
    if not colon or os.sep in name or "/" in name or len(place) == 1:
        return target, ""
    return place, name


def load_module(place: str) -> ModuleType:
    """Import a file by path or a module by name, always from its source."""
    compile_user_modules_from_source()
    if place.endswith(".py") or os.sep in place or "/" in place:
        return _load_file(place)
    if os.path.isfile(place + ".py") and "." not in place:
        return _load_file(place + ".py")
    return _load_name(place)


def _load_file(place: str) -> ModuleType:
    path = os.path.abspath(place)
    if not has_source(path):
        raise TargetError(
            f"no file {place}{_near_file(path)}", hint="give the path of a Python file, or package.module"
        )
    folder, name = os.path.dirname(path), os.path.splitext(os.path.basename(path))[0]
    while has_source(os.path.join(folder, "__init__.py")):
        folder, package = os.path.split(folder)
        name = f"{package}.{name}"
    if folder not in sys.path:
        sys.path.insert(0, folder)
    loaded = sys.modules.get(name)
    if loaded is not None and _same_file(loaded, path):
        return loaded
    if loaded is not None or name.partition(".")[0] in sys.stdlib_module_names:
        return _load_apart(path, name)
    return _import(name, place)


def _load_apart(path: str, name: str) -> ModuleType:
    """Load a file whose name a module of another file already has, under a name of its own."""
    alone = f"{name.replace('.', '_')}_"
    spec = importlib.util.spec_from_file_location(alone, path, loader=SourceLoader(alone, path))
    if spec is None or spec.loader is None:
        raise TargetError(f"{path} is not a Python file")
    loader = spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    _guarded(lambda: loader.exec_module(module), path)
    return module


def _load_name(place: str) -> ModuleType:
    for folder in (os.path.join(os.getcwd(), "src"), os.getcwd()):
        if os.path.isdir(folder) and folder not in sys.path:
            sys.path.insert(0, folder)
    return _import(place, place)


def _import(name: str, place: str) -> ModuleType:
    loaded: ModuleType = _guarded(lambda: importlib.import_module(name), place, name)
    return loaded


def _guarded(load: Any, place: str, name: str = "") -> Any:
    try:
        return load()
    except SolventError:
        raise
    except ModuleNotFoundError as error:
        if name and error.name and (name == error.name or name.startswith(error.name + ".")):
            raise TargetError(
                f"no module {name!r} from {os.getcwd()}",
                hint="give the path of a Python file, or run from the folder that holds the package",
            ) from None
        raise _failed_import(place, error) from error
    except (Exception, SystemExit) as error:
        raise _failed_import(place, error) from error


def _failed_import(place: str, error: BaseException) -> TargetError:
    failed = TargetError(f"{place} could not be imported\n{user_traceback(error).rstrip()}")
    failed.__suppress_context__ = True
    return failed


def _choose(module: ModuleType, name: str, target: str) -> Any:
    found = {key: value for key, value in vars(module).items() if getattr(value, "__solvent_pipeline__", False)}
    if name:
        if name in found:
            return found[name]
        raise TargetError(
            f"no pipeline {name!r} in {target.rpartition(':')[0]}{nearest(name, found)}",
            hint=f"pipelines there: {', '.join(found)}" if found else "decorate a function with @pipeline",
        )
    own = {key: value for key, value in found.items() if value.module == module.__name__} or found
    if len(own) == 1:
        return next(iter(own.values()))
    if not own:
        raise TargetError(f"no pipeline in {target}", hint="decorate a function with @pipeline")
    raise TargetError(
        f"{target} has {len(own)} pipelines: {', '.join(own)}", hint=f"choose one: {target}:{next(iter(own))}"
    )


def _same_file(module: ModuleType, path: str) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and os.path.realpath(file) == os.path.realpath(path)


def _near_file(path: str) -> str:
    folder = os.path.dirname(path)
    try:
        return nearest(os.path.basename(path), [n for n in os.listdir(folder) if n.endswith(".py")])
    except OSError:
        return ""
