"""`@step` makes a plain function a step: outside a run it stays that function, inside a run a call gives a Ref."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload

from solvent.errors import AuthoringError
from solvent.model import StepSpec
from solvent.pipelines.context import tracer
from solvent.pipelines.datasets import check_datasets, name_outputs
from solvent.pipelines.declared import Fields, class_of, fields_of, returned
from solvent.pipelines.places import OURS, line_of
from solvent.pipelines.signature import Signature

if TYPE_CHECKING:
    from solvent.pipelines.checks import Check

P = ParamSpec("P")
R = TypeVar("R")

GENERATOR, COROUTINE, ASYNC_GENERATOR = 0x20, 0x80, 0x200


class Step(Generic[P, R]):
    """A function that a run can cache, record and send elsewhere; `spec` says what is known about it.

    Where and how a step runs never changes its result, so of the options only `name` and `salt` enter the cache key.
    """

    __solvent_step__ = True

    def __init__(
        self,
        function: Callable[P, R],
        spec: StepSpec,
        names: Mapping[str, Any] | None = None,
        checks: tuple[Check, ...] = (),
    ) -> None:
        self.spec = spec
        self.checks = checks
        self.__wrapped__ = function
        self.__name__ = spec.name
        self.__qualname__ = spec.qualname
        self.__module__ = spec.module
        self.__doc__ = function.__doc__
        if names is not None:
            self.returns = returned(function, names)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        tracing = tracer.get()
        if tracing is None:
            return self.__wrapped__(*args, **kwargs)
        if self.spec.datasets:
            check_datasets(self.spec, self.fields)
        made: R = tracing.call(self, args, kwargs)
        return made

    @cached_property
    def signature(self) -> Signature:
        return Signature(self.__wrapped__)

    @cached_property
    def returns(self) -> Any:
        """What the function is declared to return, or None if that is not written or can't be resolved at run time."""
        return returned(self.__wrapped__)

    @cached_property
    def fields(self) -> Fields | None:
        """The declared fields of the output, each an artifact of its own; None for an output that is one artifact."""
        return fields_of(self.returns)

    @cached_property
    def output_type(self) -> type | None:
        """The class that is declared to be returned (`tuple` for `tuple[int, str]`), or None."""
        return class_of(self.returns)

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Give every parameter its value, defaults included; AuthoringError if the call doesn't fit the signature."""
        return self.signature.bind(self.spec.name, args, kwargs)

    def apply(self, arguments: Mapping[str, Any]) -> R:
        """Call the plain function with what `bind` gave."""
        args, kwargs = self.signature.split(arguments)
        plain: Callable[..., R] = self.__wrapped__
        return plain(*args, **kwargs)

    @classmethod
    def implementing(cls, named: Any, declared: Any, hints: tuple[Any, ...]) -> Step[..., Any]:
        """Give the step that config names in the place of another (see `solvent.pipelines.implementations`)."""
        from solvent.pipelines.implementations import implementing

        return implementing(named, declared, hints)

    def __repr__(self) -> str:
        return f"<step {self.spec.name} ({self.spec.file}:{self.spec.line})>"

    def __copy__(self) -> Step[P, R]:
        return self

    def __deepcopy__(self, memo: object) -> Step[P, R]:
        return self

    def __reduce__(self) -> str | tuple[Any, ...]:
        # By reference, as functions are. What no other process can import goes by value: cloudpickle can do that.
        if self.__module__ == "__main__" or "<locals>" in self.__qualname__:
            return Step, (self.__wrapped__, self.spec, None, self.checks)
        return self.__qualname__


@overload
def step(function: Callable[P, R], /) -> Step[P, R]: ...


@overload
def step(
    *,
    name: str | None = None,
    cache: bool = True,
    salt: str | None = None,
    retries: int = 0,
    timeout_seconds: float | None = None,
    isolated: bool = False,
    dataset: str | Mapping[str, str] | None = None,
    checks: Sequence[Any] | Mapping[str, Sequence[Any]] = (),
) -> Callable[[Callable[P, R]], Step[P, R]]: ...


def step(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    cache: bool = True,
    salt: str | None = None,
    retries: int = 0,
    timeout_seconds: float | None = None,
    isolated: bool = False,
    dataset: str | Mapping[str, str] | None = None,
    checks: Sequence[Any] | Mapping[str, Sequence[Any]] = (),
) -> Any:
    """Make a function a step.

    `name` is what runs call it (the function's own by default); `cache=False` runs it anew in each run; another `salt`
    makes all cached results invalid; `retries` are further attempts after a failure; `timeout_seconds` ends an attempt
    that takes longer; `isolated` gives each attempt a process of its own. `dataset` names what the output is a version of,
    or maps fields of the output to such names; `checks` are what the output must pass (see `solvent.checks`), a list or a
    mapping from field to list.
    """

    def decorate(function: Callable[..., Any]) -> Step[..., Any]:
        code = check_function(function, "step")
        _check_options(code, name, salt, retries, timeout_seconds)
        datasets = name_outputs(dataset, line_of(code))
        spec = StepSpec(
            name=name or function.__name__,
            module=function.__module__,
            qualname=function.__qualname__,
            file=absolute(code.co_filename),
            line=code.co_firstlineno,
            cache=cache,
            salt=salt,
            retries=retries,
            timeout_seconds=timeout_seconds,
            isolated=isolated,
            datasets=datasets,
        )
        names = local_names(function)
        made: Step[..., Any] = Step(function, spec, names, _checks(checks))
        if (datasets or made.checks) and returned(function, names) is not None:
            check_datasets(spec, made.fields)
            _check_fields(made)
        return made

    return decorate if function is None else decorate(function)


def check_function(function: Any, word: str) -> CodeType:
    """Give the code of the user's function, or say why it can't be a step or a pipeline."""
    code: CodeType | None = getattr(unwrap(function), "__code__", None)
    problem = _unfit(function, code, word)
    if problem:
        what, hint = problem
        raise AuthoringError(what, where=line_of(code), hint=hint)
    assert code is not None
    return code


def unwrap(function: Any) -> Any:
    """Give the function under all decorators that say what they wrap."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return function


def absolute(file: str) -> str:
    """Give an absolute path; names of notebook cells and the like stay as they are."""
    return file if file.startswith("<") else os.path.abspath(file)


def local_names(function: Callable[..., Any]) -> dict[str, Any] | None:
    """Give the local names around a function that is written inside another: its annotations may name them."""
    if "<locals>" not in function.__qualname__:
        return None
    frame = sys._getframe(1)
    while frame.f_code.co_filename.startswith(OURS) and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_locals


def _unfit(function: Any, code: CodeType | None, word: str) -> tuple[str, str] | None:
    if isinstance(function, type):
        name = function.__name__
        return f"the class {name!r} can't be a {word}", f"make a function that returns {name}(...)"
    if isinstance(function, (staticmethod, classmethod)):
        return f"a {type(function).__name__} can't be a {word}", "make it a function of the module"
    if getattr(function, "__solvent_step__", False) or getattr(function, "__solvent_pipeline__", False):
        return f"{function.__name__!r} is a step or pipeline already", "decorate it once"
    name = getattr(function, "__name__", type(function).__name__)
    if not isinstance(function, FunctionType) or code is None:
        return f"{name!r} can't be a {word}: it isn't a function", "wrap it in a function: def f(...): return ..."
    if name == "<lambda>":
        return f"a lambda can't be a {word}: it has no name", "write it with def"
    return _unfit_code(function, code, word)


def _unfit_code(function: FunctionType, code: CodeType, word: str) -> tuple[str, str] | None:
    name = function.__name__
    if code.co_flags & (COROUTINE | ASYNC_GENERATOR):
        return f"{name!r} is async and can't be a {word}", "write it with def; call asyncio.run(...) inside"
    if code.co_flags & GENERATOR:
        return f"{name!r} is a generator and can't be a {word}", "return a list"
    parent = function.__qualname__.rpartition(".")[0]
    if parent and not parent.endswith("<locals>") and code.co_varnames[:1] in (("self",), ("cls",)):
        return f"the method {function.__qualname__!r} can't be a {word}", "make it a function and pass what it needs"
    return None


def _check_options(code: CodeType, name: object, salt: object, retries: object, timeout_seconds: object) -> None:
    if name is not None and not (isinstance(name, str) and name):
        raise _wrong_option(code, "name", name, "a text that isn't empty")
    if salt is not None and not isinstance(salt, str):
        raise _wrong_option(code, "salt", salt, "a text")
    if not isinstance(retries, int) or isinstance(retries, bool) or retries < 0:
        raise _wrong_option(code, "retries", retries, "a whole number, 0 or more")
    if timeout_seconds is not None and not (isinstance(timeout_seconds, (int, float)) and timeout_seconds > 0):
        raise _wrong_option(code, "timeout_seconds", timeout_seconds, "a number of seconds above 0")


def _checks(given: Any) -> tuple[Check, ...]:
    if isinstance(given, tuple) and not given:
        return ()
    from solvent.pipelines.checks import declared_checks

    return declared_checks(given)


def _check_fields(step: Step[..., Any]) -> None:
    if step.checks:
        from solvent.pipelines.checks import check_fields

        check_fields(step.spec, step.checks, step.fields)


def _wrong_option(code: CodeType, option: str, given: object, expected: str) -> AuthoringError:
    return AuthoringError(f"@step({option}={given!r}): expected {expected}", where=line_of(code))
