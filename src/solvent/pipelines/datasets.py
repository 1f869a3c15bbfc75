"""`@step(dataset=...)`: which outputs of a step are versions of which datasets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from solvent.errors import AuthoringError, nearest
from solvent.model import WHOLE, StepSpec
from solvent.pipelines.places import shorten

_NAME = re.compile(r"[^\W\d][\w.-]*")


def name_outputs(given: object, where: str | None) -> tuple[tuple[str, str], ...]:
    """Give the pairs of field and dataset; a name alone is that of the whole output."""
    named: Any = {WHOLE: given} if isinstance(given, str) else {} if given is None else given
    if not isinstance(named, Mapping):
        raise _wrong(given, "a name, or a mapping from output field to name", where)
    names = list(named.values())
    if not all(isinstance(name, str) and _NAME.fullmatch(name) for name in names):
        raise _wrong(given, "names of letters, digits, _, - and ., which begin with a letter", where)
    if len(set(names)) < len(names):
        raise _wrong(given, "another name for each field", where)
    return tuple((str(field), name) for field, name in named.items())


def check_datasets(spec: StepSpec, fields: Mapping[str, Any] | None) -> None:
    """Refuse names for outputs that a step does not have; `fields` are its declared ones, None for a single output."""
    for field, name in spec.datasets:
        if fields and field == WHOLE:
            raise AuthoringError(
                f"@step(dataset={name!r}): `{spec.name}` has the outputs {', '.join(fields)}, and this names none of them",
                where=shorten(f"{spec.file}:{spec.line}"),
                hint=f'say which: dataset={{"{next(iter(fields))}": "{name}"}}',
            )
        if fields and field not in fields:
            raise AuthoringError(
                f"@step(dataset=...): `{spec.name}` has no output {field!r}{nearest(field, fields)}",
                where=shorten(f"{spec.file}:{spec.line}"),
                hint=f"its outputs: {', '.join(fields)}",
            )
        if not fields and field != WHOLE:
            raise AuthoringError(
                f"@step(dataset=...): `{spec.name}` has no output {field!r}: no fields are declared",
                where=shorten(f"{spec.file}:{spec.line}"),
                hint=f'annotate what it returns as a NamedTuple or dataclass, or write dataset="{name}"',
            )


def _wrong(given: object, expected: str, where: str | None) -> AuthoringError:
    return AuthoringError(f"@step(dataset={given!r}): expected {expected}", where=where)
