"""Which columns of a request a slice needs, by proof: without the others it runs, and its response is the same."""

from __future__ import annotations

import io
import re
import time
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any, NamedTuple

from solvent.deploy.batches import Form, form_of, lay_out, take
from solvent.deploy.differences import ABSOLUTE, Differences, compare
from solvent.deploy.selection import altered, column_names, unindexed, without
from solvent.errors import BundleError, nearest
from solvent.pipelines.places import raising_line

if TYPE_CHECKING:
    from solvent.deploy.slicing import Declaration
    from solvent.plan.graph import Call

PROVED_ROWS = 100_000
"""A proof takes so many of the recorded rows, evenly spread; all of them where there are no more."""
SEARCHED_ROWS = (64, 4096)
"""The search takes fewer: what is found is proved, and searched again with more if it does not hold."""
SEARCH_SECONDS = 20.0
"""After this the columns that are still open count as needed: a request may hold more than it must."""
_SHOWN = 3
_TARGETS = ("target", "label", "target_column", "label_column", "target_name", "label_name", "y_column")

Run = Callable[[Any], Any]


class Needed(NamedTuple):
    """The columns of the recorded request in their order, those that are left out, and the label if it is known."""

    all_names: tuple[str, ...]
    left_out: tuple[str, ...]
    label: str | None

    @property
    def names(self) -> list[str]:
        """The columns that are needed, in their order."""
        return [name for name in self.all_names if name not in self.left_out]


def needed_columns(
    endpoint: Declaration, calls: Iterable[Call], run: Run, request: Any, response: Any
) -> Needed | None:
    """Find the columns that the response depends on; None for a request that has no columns.

    `run` gives the response to a request. With all others left out together it runs, and its response on the recorded rows
    is the same; so it is with other values in them. BundleError if the response depends on the label or the index, or is not
    the recorded one.
    """
    proof = _Proof(endpoint, run, request, response)
    proof.check_recorded()
    names = proof.names
    if names is None:
        return None
    label = find_label(endpoint, calls, names)
    if label is not None:
        proof.check_label(label)
    kept = proof.search(names)
    if label is not None and label in kept:
        raise proof.needs(label)
    left_out = tuple(name for name in names if name not in kept)
    return Needed(tuple(names), left_out, label)


def find_label(endpoint: Declaration, calls: Iterable[Call], names: Sequence[str]) -> str | None:
    """Give the column of a request that is predicted: the declared one, else the one target that the steps are told of."""
    if endpoint.label is not None:
        near = nearest(endpoint.label, names)
        if endpoint.label not in names and near:
            raise BundleError(f"endpoint {endpoint.name!r}: the request has no column {endpoint.label!r}{near}")
        return endpoint.label if endpoint.label in names else None
    told = {
        given
        for call in calls
        for name, given in call.arguments.items()
        if name in _TARGETS and isinstance(given, str) and given in names
    }
    return told.pop() if len(told) == 1 else None


class _Rows(NamedTuple):
    """Some rows of the recorded request, and what the slice answers to them."""

    request: Any
    response: Any
    form: Form


class _Proof:
    """Runs the slice with other columns and compares what it answers."""

    def __init__(self, endpoint: Declaration, run: Run, request: Any, response: Any) -> None:
        self._endpoint = endpoint.name
        declared = endpoint.contract.tolerance
        self._tolerance = declared if declared > ABSOLUTE else None
        self._run = run
        self._recorded, self._response = request, response
        self._request = unindexed(request)
        self._form = form_of(self._request)
        self.names = column_names(request, endpoint.columns)
        self._count = self._form.count
        self._failure: Exception | None = None

    # What is proved

    def check_recorded(self) -> None:
        """Refuse a slice that does not answer again what was recorded, or does so only with the recorded index."""
        if self._count > PROVED_ROWS:
            return
        found = self._difference(self._form_of(self._response), self._response, self._request)
        if found is None or found:
            had_index = self._request is not self._recorded
            same = had_index and self._difference(self._form_of(self._response), self._response, self._recorded)
            if had_index and same is not None and not same:
                raise BundleError(
                    f"endpoint {self._endpoint!r}: the response depends on the index of the request, and a served request"
                    " has none",
                    hint="make the index a column (reset_index) in the step that gives the request",
                )
            raise self._not_again(found)

    def check_label(self, label: str) -> None:
        """Refuse a slice whose response changes when the label does."""
        rows = self._some(PROVED_ROWS)
        changed = altered(rows.request, self._names, {label})
        found = self._difference(rows.form, rows.response, changed)
        if found:
            raise BundleError(
                f"endpoint {self._endpoint!r}: the response depends on the label {label!r}; with other labels:"
                f"\n{self._told(found, rows.request, changed, label)}",
                hint=f"leave {label!r} out of what the live steps compute with",
            )

    def search(self, names: Sequence[str]) -> set[str]:
        """Find columns without which all the rest can't be: what is left out is proved on the recorded rows."""
        ends_at = time.monotonic() + SEARCH_SECONDS
        kept: set[str] = set()
        for count in SEARCHED_ROWS:
            kept = self._searched(names, kept, self._some(count), ends_at)
            if self._holds(self._some(PROVED_ROWS), set(names) - kept):
                return kept
            if count >= self._count:
                break
        kept = self._searched(names, kept, self._some(PROVED_ROWS), ends_at)
        return kept if self._holds(self._some(PROVED_ROWS), set(names) - kept) else set(names)

    def needs(self, label: str) -> BundleError:
        """Say that the slice does not run without the label, although its response does not depend on it."""
        self._holds(self._some(SEARCHED_ROWS[0]), {label})
        error = self._failure
        how = f"{type(error).__name__}: {error}"[:200] if error is not None else "its response changes"
        return BundleError(
            f"endpoint {self._endpoint!r}: the live steps don't run without the label {label!r}: {how}",
            where=raising_line(error) if error is not None else None,
            hint=f'no request has it: choose the features by name, or drop(columns="{label}", errors="ignore")',
        )

    # How

    @property
    def _names(self) -> list[str]:
        return self.names or []

    def _searched(self, names: Sequence[str], kept: set[str], rows: _Rows, ends_at: float) -> set[str]:
        kept = kept | set(self._named_by_errors([each for each in names if each not in kept], rows, ends_at))
        removed: set[str] = set()
        waiting = [[each for each in names if each not in kept]]
        while waiting:
            group = waiting.pop()
            if not group:
                continue
            if time.monotonic() < ends_at and self._holds(rows, removed | set(group)):
                removed |= set(group)
            elif len(group) > 1 and time.monotonic() < ends_at:
                half = len(group) // 2
                waiting += [group[half:], group[:half]]
        return set(names) - removed

    def _named_by_errors(self, names: Sequence[str], rows: _Rows, ends_at: float) -> Iterator[str]:
        """Leave all out, and give back what the errors say is missing, until they say nothing more."""
        left = dict.fromkeys(names)
        while left and time.monotonic() < ends_at and not self._holds(rows, left):
            mentioned = _mentioned(self._failure, left) if self._failure is not None else []
            if not mentioned:
                return
            for name in mentioned:
                del left[name]
            yield from mentioned

    def _holds(self, rows: _Rows, removed: Collection[str]) -> bool:
        """Whether the response stays without these columns, and with other values in them."""
        if not removed:
            return True
        lacking = without(rows.request, self._names, removed)
        for request in (lacking, lambda: altered(rows.request, self._names, removed)):
            found = self._difference(rows.form, rows.response, request() if callable(request) else request)
            if found is None or found:
                return False
        return True

    def _some(self, count: int) -> _Rows:
        """Give rows spread evenly over the recorded ones."""
        if self._count <= count:
            request = self._request
        else:
            step = self._count / count
            request = unindexed(take(self._request, [int(at * step) for at in range(count)], self._form))
        try:
            with quietly():
                response = self._run(request)
        except Exception as error:
            self._failure = error
            raise self._not_again(None) from error
        return _Rows(request, response, self._form_of(response, form_of(request).count))

    def _form_of(self, response: Any, count: int | None = None) -> Form:
        return form_of(unindexed(response), self._count if count is None else count)

    def _difference(self, form: Form, expected: Any, request: Any) -> Differences | None:
        """Compare what is answered with what was expected; None if the slice fails, and why is kept."""
        self._failure = None
        try:
            with quietly():
                found = unindexed(self._run(request))
                laid = lay_out(found, form_of(found, form_of(request).count))
        except Exception as error:
            self._failure = error
            return None
        wanted = lay_out(unindexed(expected), form)
        return compare(wanted, laid, range(max(map(len, wanted.columns.values()), default=0)), self._tolerance)

    def _not_again(self, found: Differences | None) -> BundleError:
        if found is None:
            error = self._failure
            return BundleError(
                f"endpoint {self._endpoint!r}: the live steps fail on the recorded request: {type(error).__name__}: {error}",
                where=raising_line(error) if error is not None else None,
                hint="does a step depend on what another step did besides its result, or on the request's index?",
            )
        return BundleError(
            f"endpoint {self._endpoint!r}: the live steps don't answer the recorded request as they did in the run"
            f"\n{self._told(found)}",
            hint="look for randomness without a seed, the clock, or something that a step keeps from call to call",
        )

    def _told(self, found: Differences, before: Any = None, after: Any = None, label: str = "") -> str:
        """Show the first rows that differ."""
        if found.problem:
            return f"  the response {found.problem}"
        lines = []
        for row in list(found.rows)[:_SHOWN]:
            told = ", ".join(f"{cell.column} {cell.expected} became {cell.found}" for cell in found.rows[row][:2])
            at = self._names.index(label) if label else 0
            moved = f"{label} {_cell(before, at, row)} -> {_cell(after, at, row)}: " if label else ""
            lines.append(f"  row {row}: {moved}{told}")
        more = len(found.rows) - _SHOWN
        return "\n".join([*lines, f"  and {more} more rows"] if more > 0 else lines)


def _cell(table: Any, column: int, row: int) -> Any:
    package = type(table).__module__.partition(".")[0]
    if package == "pandas":
        return table.iat[row, column]
    return table.column(column)[row].as_py() if package == "pyarrow" else table[row, column]


def _mentioned(error: Exception, names: Iterable[str]) -> list[str]:
    """Give the names that an error's message holds in quotes."""
    quoted = set(re.findall(r"""['"“`]([^'"”`]+)['"”`]""", str(error)))
    return [name for name in names if name in quoted]


@contextmanager
def quietly() -> Iterator[None]:
    """Let nothing be printed: what is tried here fails as often as not."""
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
