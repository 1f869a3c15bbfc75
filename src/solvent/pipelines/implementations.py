"""Steps that are chosen by config: finding what a text names, and checking that it can be called as the code calls it."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from inspect import Parameter
from types import FunctionType, ModuleType
from typing import Any, get_origin

from solvent.errors import AuthoringError, SolventError, nearest
from solvent.pipelines.declared import annotations_of, class_of
from solvent.pipelines.step import Step, step

Hints = tuple[Any, ...]
"""The type arguments of `Step[[A, B], R]`: the types of the parameters, and of the output."""

_MANY = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)


def implementing(named: Any, declared: Any, hints: Hints) -> Step[..., Any]:
    """Give the step that a text ("package.module:function") names, or that is given itself; a plain function is made one.

    It must take what `declared`, the step that it stands in for, takes, under the same names, and give the same type with
    the same fields; without such a step the types in `hints` count. AuthoringError says what does not fit.
    """
    found = _as_step(_find(named) if isinstance(named, str) else named, named)
    if isinstance(declared, Step):
        if found is not declared:
            _check_like(found, declared)
    else:
        _check_types(found, hints)
    return found


def _as_step(found: Any, named: Any) -> Step[..., Any]:
    if isinstance(found, Step):
        return found
    if not isinstance(found, FunctionType):
        raise AuthoringError(
            f"expected a step or a function, found {named!r}, which is a {type(found).__name__}",
            hint="write it as package.module:function",
        )
    return step(found)


def _find(text: str) -> Any:
    place, colon, path = text.partition(":")
    if not (place and colon and path):
        raise AuthoringError(f"expected the name of a step, found {text!r}", hint="write it as package.module:function")
    found: Any = _module(place)
    for name in path.split("."):
        if not hasattr(found, name):
            known = _offered(found, place)
            raise AuthoringError(
                f"module {place} has no {name!r}{nearest(name, known)}",
                hint=f"steps and functions there: {', '.join(known[:12])}"
                if known
                else "define it with def in that module",
            )
        found = getattr(found, name)
    return found


def _offered(found: Any, place: str) -> list[str]:
    """Name the steps and functions of a module, and what it announces and loads only when it is asked for."""
    own = [name for name, value in vars(found).items() if _is_own(value, place) and not name.startswith("_")]
    return list(dict.fromkeys([*own, *getattr(found, "__all__", ())]))


def _is_own(value: Any, place: str) -> bool:
    return isinstance(value, Step | FunctionType) and value.__module__ == place


def _module(place: str) -> ModuleType:
    try:
        return importlib.import_module(place)
    except ModuleNotFoundError as error:
        missing = error.name or place
        if place != missing and not place.startswith(f"{missing}."):
            raise AuthoringError(f"module {place} can't be imported: {error}") from error
        raise AuthoringError(
            f"no module {missing!r}{nearest(missing, _siblings(missing))}",
            hint="name a module that the pipeline's own file could import",
        ) from None
    except SolventError:
        raise
    except Exception as error:  # whatever the user's module does when it is loaded
        raise AuthoringError(f"module {place} can't be imported: {type(error).__name__}: {error}") from error


def _siblings(missing: str) -> list[str]:
    """Name the modules that lie where a missing one was looked for."""
    parent = missing.rpartition(".")[0]
    folders = list(getattr(sys.modules.get(parent), "__path__", ())) if parent else [os.getcwd(), *sys.path[:2]]
    names: set[str] = set()
    for folder in folders:
        if os.path.isdir(folder):
            names.update(name.removesuffix(".py") for name in os.listdir(folder) if name[:1].isalpha())
    return [f"{parent}.{name}" if parent else name for name in sorted(names)]


def _check_like(found: Step[..., Any], declared: Step[..., Any]) -> None:
    """Refuse a step that could not be called as the declared one is, or whose output could not be used like its output."""
    problem = _misses_parameter(found, declared) or _asks_for_more(found, declared) or _gives_other(found, declared)
    if problem:
        raise AuthoringError(
            f"{_place(found)} can't stand in for {_place(declared)}: {problem}",
            hint=f"declare it as {declared.signature.written(found.spec.name)}{_arrow(declared)}",
        )


def _misses_parameter(found: Step[..., Any], declared: Step[..., Any]) -> str:
    takes, wanted = found.signature.full.parameters, declared.signature.full.parameters
    if any(each.kind in _MANY for each in takes.values()):
        return ""
    missing = next((name for name in wanted if name not in takes), None)
    if missing is not None:
        return f"it takes no `{missing}`{nearest(missing, takes)}"
    common = [name for name in takes if name in wanted]
    if common != list(wanted):
        return f"its parameters come in another order: {', '.join(common)}"
    return next((problem for name in wanted if (problem := _other_type(found, declared, name))), "")


def _other_type(found: Step[..., Any], declared: Step[..., Any], name: str) -> str:
    hints, wanted = annotations_of(found.__wrapped__), annotations_of(declared.__wrapped__)
    if _fits(wanted.get(name), hints.get(name)):
        return ""
    return f"its `{name}` is a {_text(hints[name])}, and it will be given a {_text(wanted[name])}"


def _asks_for_more(found: Step[..., Any], declared: Step[..., Any]) -> str:
    for name, parameter in found.signature.full.parameters.items():
        wanted = name in declared.signature.full.parameters
        if not wanted and parameter.default is Parameter.empty and parameter.kind not in _MANY:
            return f"it also needs `{name}`, which has no default"
    return ""


def _gives_other(found: Step[..., Any], declared: Step[..., Any]) -> str:
    wanted, fields = declared.fields, found.fields
    if wanted and found.returns is None:
        return "it does not declare what it gives, and its fields are wanted"
    if wanted:
        missing = next((name for name in wanted if name not in (fields or ())), None)
        return f"its output has no field `{missing}`{nearest(missing, fields or ())}" if missing else ""
    if not _fits(found.returns, declared.returns):
        return f"it gives a {_text(found.returns)}, and a {_text(declared.returns)} is wanted"
    return ""


def _check_types(found: Step[..., Any], hints: Hints) -> None:
    """Refuse a step that does not take what `Step[[A, B], R]` says, by position, or gives something else."""
    parameters, output = (
        (list(hints[0]), hints[1]) if len(hints) == 2 and isinstance(hints[0], Sequence) else (None, None)
    )
    if parameters is None:
        return
    problem = _takes_other(found, parameters)
    if not problem and not _fits(found.returns, output):
        problem = f"it gives a {_text(found.returns)}"
    if problem:
        wanted = f"[[{', '.join(map(_text, parameters))}], {_text(output)}]"
        raise AuthoringError(f"{_place(found)} is no Step{wanted}: {problem}", hint="declare it with those types")


def _takes_other(found: Step[..., Any], wanted: list[Any]) -> str:
    takes = list(found.signature.full.parameters.values())
    if any(each.kind in _MANY for each in takes):
        return ""
    needed = [each for each in takes if each.default is Parameter.empty]
    if len(takes) < len(wanted) or len(needed) > len(wanted):
        return f"it takes {len(needed)} arguments"
    hints = annotations_of(found.__wrapped__)
    for parameter, hint in zip(takes, wanted, strict=False):
        if not _fits(hint, hints.get(parameter.name)):
            return f"its `{parameter.name}` is a {_text(hints[parameter.name])}"
    return ""


def _fits(given: Any, wanted: Any) -> bool:
    """Whether a value of one annotation may be used where another is wanted; what is not known fits."""
    if given is None or wanted is None or Any in (given, wanted) or given == wanted:
        return True
    given_class, wanted_class = class_of(given), class_of(wanted)
    if given_class is None or wanted_class is None:
        return True  # a union, a literal, a type variable: for type checkers to say
    if given_class is int and wanted_class in (float, complex):
        return True
    return bool(issubclass(given_class, wanted_class))


def _place(found: Step[..., Any]) -> str:
    return f"{found.spec.module}:{found.spec.qualname}"


def _arrow(declared: Step[..., Any]) -> str:
    return f" -> {_text(declared.returns)}" if declared.returns is not None else ""


def _text(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) and get_origin(hint) is None else str(hint)
