"""Row-wise checks: whether a live step answers a row by that row alone.

A step that looks at the rows of its batch (a mean, a rank, the categories that are there) runs happily on one row, and gives
another answer than it gave in the run. What holds for every step that looks at one row at a time is tried on recorded rows.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from solvent.deploy.batches import CONSTANT, Form, Laid, form_of, lay_out, take
from solvent.deploy.causes import find_causes
from solvent.deploy.clocks import other_clock
from solvent.deploy.differences import Differences, compare, shown
from solvent.deploy.odd import make_extreme
from solvent.serving.verification import OddRow, Relation, StepCheck

Apply = Callable[[Mapping[Any, Any]], Any]

SECONDS = 3.0
"""How long the rows of one step are tried one by one; the rows that show most come first."""
LEAST_SINGLES = 8
_SHOWN_ROWS, _SHOWN_CELLS = 5, 6

AGAIN, CLOCK, SINGLE, ORDER, SPLIT, TWICE, EXTREME, FIRST, FROZEN, INPUT = (
    "called again",
    "another time",
    "one row alone",
    "another order",
    "split in two",
    "each row twice",
    "an extreme row beside it",
    "a fresh copy",
    "frozen arguments unchanged",
    "shared inputs unchanged",
)
_LEARN = (
    "learn it from the training part in a step of its own (a mean, the categories, a fitted scaler),"
    " and pass that to this step"
)
_HINTS = {
    AGAIN: "draw no random numbers and keep nothing from call to call: what was drawn or counted in the run is not served",
    CLOCK: "take the time from a column of the request, or compute it before the request and pass it to the step",
    FIRST: "keep nothing in module variables: pass what was learned to the step as an argument",
    FROZEN: "use `transform`, not `fit` or `fit_transform`, and copy what you change",
    INPUT: "work on a copy: `table = table.copy()`, or `table.assign(...)`",
}


class Subject(NamedTuple):
    """What is checked: a step as a function of its live inputs, by any key.

    `fresh` gives it as a new process would have it; `digests` those of its frozen arguments; `shared` are the inputs that
    other steps take after it, `first` the rows that show most, and `source` is the function whose lines may be named.
    """

    step: str
    function: str
    apply: Apply
    inputs: Mapping[Any, Any]
    rows: int
    fresh: Callable[[], Apply] | None = None
    digests: Callable[[], Mapping[str, str]] | None = None
    shared: frozenset[Any] = frozenset()
    first: Sequence[int] = ()
    source: Callable[..., Any] | None = None


class _Broken(Exception):
    """A relation does not hold."""

    def __init__(self, problem: str, differences: Differences | None = None, rows: Sequence[int] = ()) -> None:
        super().__init__(problem)
        self.problem = problem
        self.differences = differences or Differences()
        self.rows = rows


class _NoAnswer(Exception):
    """The step raised an error."""


def check_step(subject: Subject, seconds: float = SECONDS) -> tuple[StepCheck, Any]:
    """Try all relations on one step; give what was found, and what the step gives for all rows (None if it failed)."""
    began = time.perf_counter()
    check = _Check(subject, seconds)
    found = check.run()
    return found._replace(seconds=time.perf_counter() - began).record(subject), check.answer


class _Found(NamedTuple):
    relations: tuple[Relation, ...]
    problem: str = ""
    relation: str = ""
    differences: Differences | None = None
    seconds: float = 0.0

    def record(self, subject: Subject) -> StepCheck:
        differences = self.differences or Differences()
        return StepCheck(
            step=subject.step,
            function=subject.function,
            relations=self.relations,
            checked_rows=subject.rows,
            seconds=self.seconds,
            problem=self.problem,
            relation=self.relation,
            hint=(_HINTS.get(self.relation, _LEARN) if self.problem else ""),
            causes=find_causes(subject.source) if self.problem and subject.source else (),
            rows=tuple(
                OddRow(row, tuple(differences.rows[row][:_SHOWN_CELLS]), {}, differences.sizes.get(row))
                for row in sorted(differences.rows)[:_SHOWN_ROWS]
            ),
        )


class _Check:
    """The relations of one step, tried one after another; `answer` is what it gives for all rows."""

    def __init__(self, subject: Subject, seconds: float) -> None:
        self._subject = subject
        self._seconds = seconds
        self._forms = {key: form_of(value, subject.rows) for key, value in subject.inputs.items()}
        self._all = list(range(subject.rows))
        self._calls: dict[str, int] = {}
        self._largest: dict[str, float] = {}
        self.answer: Any = None

    def run(self) -> _Found:
        relations: list[Relation] = []
        first: _Found | None = None
        try:
            self._begin()
        except _Broken as broken:
            return _Found((Relation("a row for each row", False, 1),), broken.problem, "a row for each row")
        for name, attempt in self._attempts():
            try:
                held = attempt()
            except _Broken as broken:
                held = False
                first = first or _Found((), broken.problem, name, broken.differences)
            relations.append(Relation(name, held, self._calls.get(name, 0), self._largest.get(name, 0.0)))
        return (first or _Found(()))._replace(relations=tuple(relations))

    def _attempts(self) -> list[tuple[str, Callable[[], bool | None]]]:
        order = list(self._all)
        random.Random(5).shuffle(order)
        half = len(order) // 2
        parts = (order[:half], order[half:])
        return [
            (AGAIN, lambda: self._same(AGAIN, self._all)),
            (SINGLE, self._singles),
            (ORDER, lambda: self._same(ORDER, self._all[::-1]) and self._same(ORDER, order)),
            (SPLIT, lambda: all(self._same(SPLIT, sorted(part)) for part in parts if part)),
            (TWICE, lambda: self._same(TWICE, self._all + self._all)),
            (EXTREME, self._extremes),
            (CLOCK, self._clock),
            (FIRST, self._fresh),
            (FROZEN, self._frozen),
            (INPUT, self._shared),
        ]

    def _begin(self) -> None:
        """Call the step with all rows, and look whether it gives a row for each."""
        self._digests = self._subject.digests() if self._subject.digests else {}
        try:
            self.answer = self._call(self._subject.apply, self._all)
        except _NoAnswer as error:
            raise _Broken(f"raises {error} on {len(self._all)} recorded rows") from None
        self._form = form_of(self.answer, self._subject.rows)
        counts = self._form.counts()
        if self._form.kind == CONSTANT:
            kind = type(self.answer).__name__
            raise _Broken(f"gives no rows but a {kind} ({shown(self.answer)}): it is not row-wise")
        if counts != {self._subject.rows}:
            found = next(iter(sorted(counts - {self._subject.rows})))
            raise _Broken(f"gives {found} rows for {self._subject.rows}: every row of a request needs one answer")
        self._expected: Laid = lay_out(self.answer, self._form)

    def _call(self, apply: Apply, rows: Sequence[int], changed: Mapping[Any, Any] | None = None) -> Any:
        inputs = {key: take(value, rows, self._forms[key]) for key, value in (changed or self._subject.inputs).items()}
        try:
            return apply(inputs)
        except Exception as error:
            raise _NoAnswer(f"{type(error).__name__}: {shown(str(error).strip().partition(chr(10))[0])}") from error

    def _same(self, name: str, rows: Sequence[int], apply: Apply | None = None) -> bool:
        """Whether the step gives for these rows what it gave for them among all; raises _Broken if not."""
        self._calls[name] = self._calls.get(name, 0) + 1
        try:
            answer = self._call(apply or self._subject.apply, rows)
        except _NoAnswer as error:
            raise _Broken(f"raises {error} on {self._which(name, rows)}") from None
        found = self._differences(name, answer, rows)
        if found:
            raise _Broken(self._words(name, rows, found), found, rows)
        return True

    def _differences(self, name: str, answer: Any, rows: Sequence[int], skipped: int | None = None) -> Differences:
        form = form_of(answer, len(rows))
        if form.kind == CONSTANT or (form.kind != self._form.kind and len(rows) > 1):
            return Differences(problem=f"gives a {type(answer).__name__} instead of a {type(self.answer).__name__}")
        found = compare(self._expected, lay_out(answer, self._followed(form)), rows, skipped=skipped)
        self._largest[name] = max(self._largest.get(name, 0.0), found.largest)
        return found

    def _followed(self, form: Form) -> Form:
        """Give the form of a batch's answer: that of all rows, where a list can't tell rows from parts by its length."""
        return self._form if form.kind != self._form.kind or form.parts else form

    def _which(self, name: str, rows: Sequence[int]) -> str:
        return f"row {rows[0]} alone" if len(rows) == 1 else f"{len(rows)} recorded rows ({name})"

    def _words(self, name: str, rows: Sequence[int], found: Differences) -> str:
        """Say how an answer differs from the one among all rows."""
        number = self._subject.rows
        told = {
            AGAIN: f"gives another answer when it is called again with the same {number} rows",
            SINGLE: f"answers row {rows[0]} alone otherwise than among {number} rows",
            ORDER: "gives other answers when the rows come in another order",
            SPLIT: f"answers {len(rows)} rows otherwise than among {number}",
            TWICE: "gives other answers when each row is there twice",
            CLOCK: "gives another answer at another time",
            FIRST: f"answers otherwise where its first request was row {rows[0]} alone: it keeps something",
        }[name]
        if found.problem:
            return f"{told}: it {found.problem}"
        row = max(found.rows, key=lambda each: found.sizes.get(each, 0.0))
        cell = found.rows[row][0]
        where = f" (row {row})" if len(rows) > 1 else ""
        return f"{told}: {cell.column} is {cell.found} instead of {cell.expected}{where}"

    def _singles(self) -> bool:
        """Try rows one by one, those that show most first, as long as there is time; collect the rows that differ."""
        ends = time.perf_counter() + self._seconds
        chosen = list(dict.fromkeys([*self._subject.first, *self._all]))
        first: _Broken | None = None
        for count, row in enumerate(chosen):
            if count >= LEAST_SINGLES and time.perf_counter() > ends:
                break
            try:
                self._same(SINGLE, [row])
            except _Broken as broken:
                if first is None:
                    first = broken
                first.differences.rows.update(broken.differences.rows)
                first.differences.sizes.update(broken.differences.sizes)
                if len(first.differences.rows) >= _SHOWN_ROWS or not broken.differences.rows:
                    break
        if first is not None:
            raise first
        return True

    def _extremes(self) -> bool | None:
        """Make one row extreme: the answers to the others must stay. A step may refuse such a row."""
        place = 0
        changed = {key: make_extreme(value, place, self._forms[key]) for key, value in self._subject.inputs.items()}
        if all(new is old for new, old in zip(changed.values(), self._subject.inputs.values(), strict=True)):
            return None
        self._calls[EXTREME] = 1
        try:
            answer = self._call(self._subject.apply, self._all, changed)
        except _NoAnswer:
            return None
        found = self._differences(EXTREME, answer, self._all, skipped=place)
        if found:
            raise _Broken(_beside(found, place), found)
        return True

    def _clock(self) -> bool | None:
        """Let the step read another time. A library may not know the classes that tell it: then nothing is said."""
        self._calls[CLOCK] = 1
        try:
            with other_clock():
                answer = self._call(self._subject.apply, self._all)
        except _NoAnswer:
            return None
        found = self._differences(CLOCK, answer, self._all)
        if found:
            raise _Broken(self._words(CLOCK, self._all, found), found)
        return True

    def _fresh(self) -> bool | None:
        """Call a fresh copy of the step with one row first, then with all."""
        if self._subject.fresh is None:
            return None
        apply = self._subject.fresh()
        last = self._all[-1:]
        self._calls[FIRST] = 1
        try:
            self._call(apply, last)
            answer = self._call(apply, self._all)
        except _NoAnswer as error:
            raise _Broken(f"raises {error} where its first request is row {last[0]} alone") from None
        found = self._differences(FIRST, answer, self._all)
        if found:
            raise _Broken(self._words(FIRST, last, found), found)
        return True

    def _frozen(self) -> bool | None:
        if self._subject.digests is None:
            return None
        changed = [name for name, digest in self._subject.digests().items() if digest != self._digests[name]]
        if changed:
            raise _Broken(f"changes its frozen argument {changed[0]}: the next request gets another answer")
        return True

    def _shared(self) -> bool | None:
        """Look whether the step changes an input that a later step takes as well."""
        for key in self._subject.shared:
            form = self._forms[key]
            before = lay_out(self._subject.inputs[key], form)
            inputs = {name: take(value, self._all, self._forms[name]) for name, value in self._subject.inputs.items()}
            self._subject.apply(inputs)
            if compare(before, lay_out(inputs[key], form_of(inputs[key], len(self._all))), self._all):
                raise _Broken("changes an input that a later step takes as well")
        return True if self._subject.shared else None


def _beside(found: Differences, place: int) -> str:
    if found.problem:
        return f"gives other answers to all rows when row {place} is an extreme one: it {found.problem}"
    row = max(found.rows, key=lambda each: found.sizes.get(each, 0.0))
    cell = found.rows[row][0]
    return (
        f"answers row {row} otherwise when row {place} beside it is an extreme one:"
        f" {cell.column} is {cell.found} instead of {cell.expected}"
    )
