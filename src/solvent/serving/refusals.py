"""What is wrong with a request, and with an answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from solvent.errors import SolventError, nearest

MOST_PROBLEMS = 20
"""No more are told of one request: the twenty-first seldom tells anything new."""
_SHOWN = 60
_LONGEST = 200


class Problem(NamedTuple):
    """What is wrong, and where: `row` counts from 0; None for what is wrong with the whole request."""

    problem: str
    row: int | None = None
    column: str | None = None


def row_of(problem: Problem) -> int:
    """Give what problems are sorted by: the whole request first, then row by row."""
    return -1 if problem.row is None else problem.row


class BadRequest(SolventError):
    """A request that is not what the schema asks for: `problems` are its first 20, each {row, column, problem}.

    `status` is the HTTP status to answer with.
    """

    def __init__(self, problems: Iterable[Problem] | Iterable[Mapping[str, Any]] | str, status: int = 422) -> None:
        given: list[Any] = [Problem(problems)] if isinstance(problems, str) else list(problems)
        found: list[Problem] = [Problem(**each) if isinstance(each, Mapping) else each for each in given]
        super().__init__(_sentence(found))
        self.problems: list[dict[str, Any]] = [
            {"row": each.row, "column": _name(each.column), "problem": each.problem} for each in found[:MOST_PROBLEMS]
        ]
        self.status = status

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problems, self.status)


class BadAnswer(SolventError):
    """A step gave back something else than the recorded run did: another type, other columns, another number of rows."""


def _sentence(problems: list[Problem]) -> str:
    if not problems:
        return "the request is not valid"
    first = problems[0]
    place = [f"row {first.row}"] if first.row is not None else []
    place += [f"column {_name(first.column)!r}"] if first.column is not None else []
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{', '.join(place)}: {first.problem}{more}" if place else first.problem + more


def _name(name: str | None) -> str | None:
    """Give a name as it can be sent, which may be anything that a client wrote."""
    if name is None or (len(name) <= _LONGEST and name.isprintable()):
        return name
    return name[:_LONGEST].encode("utf-8", "replace").decode()


def near(name: Any, known: Iterable[str]) -> str:
    """Say which known name is nearest to one that a client wrote, if it is a text of usual length."""
    return nearest(name, list(known)) if isinstance(name, str) and len(name) <= _LONGEST else ""


def shown(value: Any) -> str:
    """Show what was found in a request, shortened."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, int) and value.bit_length() > 200:
        return "a number of more than 60 digits"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
