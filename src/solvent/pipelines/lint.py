"""Errors that only the source of a pipeline shows: what a Ref can't see of its own use.

`is`, `isinstance` and `match` never ask the object itself, and `try` around a call of a step can't catch what the step
raises later. The code object tells in microseconds that a body has none of these; only otherwise its source is parsed.
"""

from __future__ import annotations

import dis
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

SUSPECT = frozenset(
    code
    for name, code in dis.opmap.items()
    if name == "IS_OP"
    or name.startswith(("MATCH_", "POP_JUMP_BACKWARD_IF"))
    or name.endswith(("IF_NONE", "IF_NOT_NONE"))
)
BACKWARD = frozenset(code for name, code in dis.opmap.items() if name.startswith("JUMP_BACKWARD"))
LOOP = frozenset(code for name, code in dis.opmap.items() if name in ("FOR_ITER", "SEND"))


def check_body(function: Callable[..., Any]) -> None:
    """Raise AuthoringError where a pipeline decides on a step's result without `value(...)`."""
    code = getattr(function, "__code__", None)
    if code is not None and _may_be_wrong(code):
        from solvent.pipelines.source import check_source

        check_source(function)


def _may_be_wrong(code: CodeType) -> bool:
    used = list(code.co_code[::2])
    if "isinstance" in code.co_names or not SUSPECT.isdisjoint(used) or _has_while(used) or _has_try(used):
        return True
    return any(_may_be_wrong(nested) for nested in _nested(code))


def _has_while(used: list[int]) -> bool:
    """More jumps back than loops over iterables; `continue` adds some, which costs a look at the source, no more."""
    return sum(code in BACKWARD for code in used) > sum(code in LOOP for code in used)


def _has_try(used: list[int]) -> bool:
    """More places that handle an error than `with` statements have."""
    return used.count(dis.opmap["PUSH_EXC_INFO"]) > used.count(dis.opmap["WITH_EXCEPT_START"])


def _nested(code: CodeType) -> Iterator[CodeType]:
    return (constant for constant in code.co_consts if isinstance(constant, CodeType))
