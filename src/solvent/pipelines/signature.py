"""How a function may be called: binding of arguments to parameters, and errors that say how to call it right."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from solvent.errors import AuthoringError, nearest
from solvent.pipelines.places import user_line

NO_DEFAULT: Any = inspect.Parameter.empty
"""Stands for the default of a parameter that has none."""


class Signature:
    """The parameters of one function. `bind` gives every parameter its value, in the order they are written in."""

    __slots__ = ("_defaults", "_named", "_positional", "_simple", "full")

    def __init__(self, function: Callable[..., Any]) -> None:
        self.full = inspect.signature(function)
        parameters = self.full.parameters.values()
        kinds = {parameter.kind for parameter in parameters}
        self._simple = kinds <= {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}
        self._positional = tuple(p.name for p in parameters if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD)
        self._named = frozenset(self.full.parameters)
        self._defaults = {parameter.name: parameter.default for parameter in parameters}

    def bind(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Give parameter names with their values, defaults included."""
        if self._simple and len(args) <= len(self._positional):
            bound = self._defaults | dict(zip(self._positional, args, strict=False))
            if kwargs:
                bound |= kwargs
            fits = len(bound) == len(self._defaults) and kwargs.keys().isdisjoint(self._positional[: len(args)])
            if fits and not any(given is NO_DEFAULT for given in bound.values()):
                return bound
        return self._bind_slowly(name, args, kwargs)

    def split(self, arguments: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Give what `bind` gave as positional and keyword arguments."""
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        for name, parameter in self.full.parameters.items():
            if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                args.extend(arguments[name])
            elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
                kwargs.update(arguments[name])
            elif parameter.kind is inspect.Parameter.KEYWORD_ONLY:
                kwargs[name] = arguments[name]
            else:
                args.append(arguments[name])
        return args, kwargs

    def written(self, name: str) -> str:
        """Show how the function is called, with the types as they are written."""
        parts = [_shown(parameter) for parameter in self.full.parameters.values()]
        return f"{name}({', '.join(parts)})"

    def _bind_slowly(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        try:
            bound = self.full.bind(*args, **kwargs)
        except TypeError as error:
            problem = f"step {name!r} was called with wrong arguments: {error}{self._guess(kwargs)}"
            raise AuthoringError(problem, where=user_line(), hint=f"call it as {self.written(name)}") from None
        bound.apply_defaults()
        return dict(bound.arguments)

    def _guess(self, kwargs: Mapping[str, Any]) -> str:
        unknown = next((given for given in kwargs if given not in self._named), None)
        return nearest(unknown, self._named) if unknown else ""


def _shown(parameter: inspect.Parameter) -> str:
    hint = parameter.annotation
    text = str(parameter.replace(annotation=NO_DEFAULT)) if parameter.kind in _STARRED else parameter.name
    if hint is not NO_DEFAULT:
        text += f": {hint if isinstance(hint, str) else inspect.formatannotation(hint)}"
    if parameter.default is not NO_DEFAULT:
        text += f" = {parameter.default!r}"
    return text


_STARRED = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
