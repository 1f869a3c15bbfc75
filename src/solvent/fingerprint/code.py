"""The fingerprint of code: of a step and every user function, class, constant and module that it can reach.

It is taken of what is loaded, not of what is on disk, so it is right for functions of `__main__`, of a notebook, made
by another function, or replaced while the program runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any

from solvent.fingerprint.bytecode import digest_code
from solvent.fingerprint.contents import describe, find_named, wrapped_step
from solvent.fingerprint.ownership import is_user_module, user_file
from solvent.fingerprint.reach import Reach
from solvent.fingerprint.structure import digest
from solvent.model import CodeFingerprint, Symbol

__all__ = [
    "digest_code",
    "extend_fingerprint",
    "fingerprint_classes",
    "fingerprint_code",
    "is_user_module",
    "user_file",
]


def fingerprint_code(function: Callable[..., Any], *, extra_classes: Iterable[type | str] = ()) -> CodeFingerprint:
    """Return the fingerprint of all that a function reaches, and of some classes ("module:qualname" or themselves).

    Comments, docstrings, formatting, and annotations that nothing reads make no difference; nor does the place in a
    file or the order of definitions. The digest is the same in every process of one Python version.
    """
    reach = Reach()
    _follow_root(reach, function)
    _follow_named(reach, extra_classes)
    reach.run()
    return CodeFingerprint(
        digest=reach.digest(),
        symbols=reach.symbols(),
        packages=tuple(sorted(reach.packages)),
        unfollowed=tuple(sorted(reach.unfollowed)),
        files=reach.files(),
    )


def fingerprint_classes(names: Iterable[str]) -> tuple[Symbol, ...]:
    """Return the symbols of classes or functions, given as "module:qualname", and of all that they reach."""
    reach = Reach()
    _follow_named(reach, names)
    reach.run()
    return reach.symbols()


def _follow_root(reach: Reach, function: Any) -> None:
    """Put the step itself first; its code counts wherever it comes from."""
    function = wrapped_step(function) or function
    if isinstance(function, FunctionType):
        reach.function(function)
    else:
        describe(reach, reach.root(), "step", function)


def _follow_named(reach: Reach, names: Iterable[type | str]) -> None:
    def order(each: type | str) -> str:
        return each if isinstance(each, str) else f"{each.__module__}:{each.__qualname__}"

    for each in sorted(set(names), key=order):
        value = find_named(each) if isinstance(each, str) else each
        if value is not None:
            describe(reach, reach.root(), f"uses {order(each)}", value)


def extend_fingerprint(code: CodeFingerprint, names: Iterable[str]) -> CodeFingerprint:
    """Return a fingerprint together with the code of classes or functions, given as "module:qualname"."""
    reach = Reach()
    _follow_named(reach, names)
    reach.run()
    return CodeFingerprint(
        digest=digest("extended code", code.digest, reach.digest()),
        symbols=tuple(sorted({*code.symbols, *reach.symbols()})),
        packages=tuple(sorted({*code.packages, *reach.packages})),
        unfollowed=tuple(sorted({*code.unfollowed, *reach.unfollowed})),
        files=tuple(sorted({*code.files, *reach.files()})),
    )
