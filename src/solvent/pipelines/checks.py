"""What a step declares of its outputs: each check is a record, made and validated where the step is decorated."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from inspect import signature
from typing import Any

from solvent.errors import AuthoringError, nearest
from solvent.model import WHOLE, StepSpec
from solvent.pipelines.places import shorten, user_line

OUTPUT = "output"
"""The name of the whole output, where checks are given by field."""

SHOWN_VALUES = 8


@dataclass(frozen=True, slots=True)
class Check:
    """One expectation of one output: `kind` is a word of `solvent.checks`, and all else its parameters.

    `columns` are what it looks at, none for all; `field` is the output that it is of; with `warning` a failure is told and
    stops nothing. `function` is what a check of kind "passes" calls, or a pandera schema.
    """

    kind: str
    columns: tuple[Any, ...] = ()
    given: tuple[tuple[str, Any], ...] = ()
    warning: bool = False
    function: Any = None
    label: str = ""
    field: str = WHOLE

    @property
    def parameters(self) -> dict[str, Any]:
        return dict(self.given)

    @property
    def place(self) -> str:
        """What it is of, without the parameters that are likely to be edited."""
        if self.kind == "passes":
            return self.label
        return f"{self.kind}({', '.join(map(_written, self.columns))})"

    def __str__(self) -> str:
        """Write the check as people do."""
        if self.kind == "passes":
            return self.label
        named = self.kind == "row_count"
        given = [f"{name}={_written(each)}" if named else _written(each) for name, each in self.given]
        return f"{self.kind}({', '.join([*map(_written, self.columns), *given])})"


def _written(value: Any) -> str:
    if isinstance(value, str):
        plain = "\\" in value and '"' not in value and value.isprintable() and not value.endswith("\\")
        return f'r"{value}"' if plain else json.dumps(value, ensure_ascii=False)
    if isinstance(value, tuple) and len(value) > SHOWN_VALUES:
        return f"{len(value)} values"
    return f"[{', '.join(map(_written, value))}]" if isinstance(value, tuple) else repr(value)


def custom_check(given: Any, *, name: str | None = None, warning: bool = False) -> Check:
    """Make a check of a function of one argument, or of a pandera schema; AuthoringError if it is neither."""
    if isinstance(given, Check):
        raise wrong_check(f"{given} is a check already", f"write it as it is: checks=[{given}]")
    if is_schema(given):
        return Check("passes", function=given, warning=warning, label=name or _schema_name(given))
    if not callable(given):
        raise wrong_check(
            f"{given!r} can't be a check",
            "give a word of solvent.checks, a function of the output, or a pandera schema",
        )
    label = name or getattr(given, "__name__", type(given).__name__).strip("<>")
    if getattr(given, "__solvent_step__", False) or isinstance(given, type):
        raise wrong_check(f"{label!r} can't be a check", "give a plain function of the output")
    if getattr(given, "__module__", "") == "solvent.checks":
        raise wrong_check(f"the check {label!r} is not made yet", f"call it: {label}(...)")
    if not _takes_one(given):
        raise wrong_check(f"the check {label!r} must take one argument, the output", f"def {label}(output): ...")
    return Check("passes", function=given, warning=warning, label=label)


def is_schema(given: Any) -> bool:
    """Whether this is a pandera schema or model, told without importing pandera."""
    kind = given if isinstance(given, type) else type(given)
    ours = any(each.__module__.partition(".")[0] == "pandera" for each in kind.__mro__)
    return ours and callable(getattr(given, "validate", None))


def _schema_name(schema: Any) -> str:
    name = getattr(schema, "__name__", None) or getattr(schema, "name", None)
    return str(name) if name else type(schema).__name__


def _takes_one(function: Callable[..., Any]) -> bool:
    try:
        signature(function).bind(None)
    except ValueError:  # a function in C that tells nothing
        return True
    except TypeError:
        return False
    return True


def wrong_check(problem: str, hint: str | None = None) -> AuthoringError:
    """Make the error of a check that can't be meant, at the user's line."""
    return AuthoringError(problem, where=user_line(), hint=hint)


def declared_checks(given: Any) -> tuple[Check, ...]:
    """Give the checks of a step: a list of them, or a mapping from output field to list.

    AuthoringError at the user's line if something in it is no check.
    """
    if not isinstance(given, Mapping):
        return tuple(_made(each, WHOLE) for each in _listed(given))
    return tuple(_made(each, str(field)) for field, some in given.items() for each in _listed(some))


def check_fields(spec: StepSpec, checks: Iterable[Check], fields: Iterable[str] | None) -> None:
    """Refuse checks of outputs that a step does not have, or that don't say of which they are; `fields` are all it has."""
    names = tuple(fields or ())
    for check in checks:
        if check.field not in (WHOLE, OUTPUT, *names):
            raise AuthoringError(
                f"@step(checks=...): `{spec.name}` has no output {check.field!r}{nearest(check.field, names)}",
                where=shorten(f"{spec.file}:{spec.line}"),
                hint=f"its outputs: {', '.join(names)}" if names else "it has one output: give the checks as a list",
            )
        if names and check.field == WHOLE and check.kind != "passes":
            raise AuthoringError(
                f"@step(checks=[{check}]): `{spec.name}` has the outputs {', '.join(names)}, and this names none of them",
                where=shorten(f"{spec.file}:{spec.line}"),
                hint=f"say which: checks={{{json.dumps(names[0])}: [{check}]}}",
            )


def _listed(given: Any) -> Sequence[Any]:
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise wrong_check(f"@step(checks={given!r}): expected a list of checks", "checks=[not_null('id'), ...]")
    return given


def _made(given: Any, field: str) -> Check:
    return replace(given if isinstance(given, Check) else custom_check(given), field=field)
