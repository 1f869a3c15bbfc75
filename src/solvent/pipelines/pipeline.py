"""`@pipeline` marks the function that a run executes. Called by hand or by another pipeline it is just a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Generic, ParamSpec, TypeVar, overload

from solvent.errors import AuthoringError
from solvent.pipelines.context import tracer
from solvent.pipelines.declared import annotations_of
from solvent.pipelines.lint import check_body
from solvent.pipelines.places import shorten
from solvent.pipelines.signature import Signature
from solvent.pipelines.step import absolute, check_function, local_names

P = ParamSpec("P")
R = TypeVar("R")


class Pipeline(Generic[P, R]):
    """A plain function that calls steps. It takes one config object, or keyword parameters with defaults."""

    __solvent_pipeline__ = True

    def __init__(
        self, function: Callable[P, R], name: str, file: str, line: int, names: Mapping[str, Any] | None
    ) -> None:
        self.__wrapped__ = function
        self.name = name
        self.__name__ = name
        self.file = file
        self.line = line
        self.module = self.__module__ = function.__module__
        self.qualname = self.__qualname__ = function.__qualname__
        self.__doc__ = function.__doc__
        if names is not None:
            self.annotations = annotations_of(function, names)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        if tracer.get() is None:
            return self.__wrapped__(*args, **kwargs)
        try:
            return self.__wrapped__(*args, **kwargs)
        except RecursionError:
            raise AuthoringError(
                f"pipeline {self.name!r} calls itself without end, or too deep for Python",
                where=f"{shorten(self.file)}:{self.line}",
                hint="end the recursion with a plain `if` on an argument or a value(...)",
            ) from None

    @cached_property
    def signature(self) -> Signature:
        return Signature(self.__wrapped__)

    @cached_property
    def annotations(self) -> dict[str, Any]:
        """The resolved annotations by parameter name; None stands for one that can't be resolved at run time."""
        return annotations_of(self.__wrapped__)

    @cached_property
    def config_type(self) -> type | None:
        """The dataclass or pydantic model that the only parameter is annotated with, or None."""
        names = list(self.signature.full.parameters)
        kind = self.annotations.get(names[0]) if len(names) == 1 else None
        return kind if _is_config(kind) else None

    @cached_property
    def parameters(self) -> dict[str, tuple[Any, Any]] | None:
        """Annotation and default of each parameter, where there is no config type; NO_DEFAULT marks a required one."""
        if self.config_type is not None:
            return None
        given = self.signature.full.parameters
        return {name: (self.annotations.get(name), parameter.default) for name, parameter in given.items()}

    def __repr__(self) -> str:
        return f"<pipeline {self.name} ({self.file}:{self.line})>"

    def __copy__(self) -> Pipeline[P, R]:
        return self

    def __deepcopy__(self, memo: object) -> Pipeline[P, R]:
        return self

    def __reduce__(self) -> str | tuple[Any, ...]:
        if self.__module__ == "__main__" or "<locals>" in self.__qualname__:
            return Pipeline, (self.__wrapped__, self.name, self.file, self.line, None)
        return self.__qualname__


@overload
def pipeline(function: Callable[P, R], /) -> Pipeline[P, R]: ...


@overload
def pipeline(*, name: str | None = None) -> Callable[[Callable[P, R]], Pipeline[P, R]]: ...


def pipeline(function: Callable[..., Any] | None = None, /, *, name: str | None = None) -> Any:
    """Make a function a pipeline; `name` is what runs call it (the function's own by default)."""

    def decorate(function: Callable[..., Any]) -> Pipeline[..., Any]:
        code = check_function(function, "pipeline")
        check_body(function)
        made_of = (name or function.__name__, absolute(code.co_filename), code.co_firstlineno)
        return Pipeline(function, *made_of, local_names(function))

    return decorate if function is None else decorate(function)


def _is_config(kind: Any) -> bool:
    return isinstance(kind, type) and (hasattr(kind, "__dataclass_fields__") or hasattr(kind, "model_fields"))
