"""The checks of live steps, in a process of its own that has what the endpoint will have and nothing more."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace as changed
from typing import Any, NamedTuple

from solvent.config.threads import limit_threads
from solvent.deploy.batches import Form, form_of, lay_out, take
from solvent.deploy.differences import shown
from solvent.deploy.odd import choose_rows
from solvent.deploy.rowwise import Apply, Subject, check_step
from solvent.deploy.served import own_environment
from solvent.deploy.timing import time_steps
from solvent.errors import BundleError, SolventError
from solvent.pipelines.containers import replace
from solvent.serving.folder import open_bundle
from solvent.serving.holes import Hole
from solvent.serving.model import Model, StepError
from solvent.serving.program import LiveCall, Program, fill
from solvent.serving.tables import to_columns
from solvent.serving.verification import StepCheck, StepTime
from solvent.serving.wire import BadRequest

LONGEST_SECONDS = 1800.0
"""A step that takes longer on some 64 rows, tried a hundred times, is none to be served."""


class Order(NamedTuple):
    """What the process is to do: check the bundle in `folder`, or answer the `whole` request, which is a body then.

    Else the request is pickled by itself, for its types may be those of the bundle.
    """

    folder: str
    request: bytes
    answer: str
    whole: bool = False


class Checked(NamedTuple):
    """What it found; `first` are the recorded rows that show most, and `modules` what the program imported."""

    steps: tuple[StepCheck, ...]
    first: tuple[int, ...]
    modules: tuple[str, ...]
    times: tuple[StepTime, ...]


def check_steps(folder: str, request: Any) -> Checked:
    """Check the live steps of a bundle on recorded rows; BundleError if that process ends before it has answered."""
    found: Checked = _order(folder, pickle.dumps(request), False)
    return found


def answer_body(folder: str, body: bytes) -> bytes:
    """Answer the body of a request as the endpoint does, with no server; BundleError tells the error of a step."""
    found: bytes = _order(folder, body, True)
    return found


def _order(folder: str, request: bytes, whole: bool) -> Any:
    with tempfile.TemporaryDirectory(prefix="solvent-verify-") as own:
        order = Order(os.path.abspath(folder), request, f"{own}/answer", whole)
        ended = _run(order, own)
        try:
            with open(order.answer, "rb") as file:
                answer = pickle.load(file)
        except OSError:
            raise BundleError(f"the process that checks the steps {ended}", where=folder) from None
    if isinstance(answer, SolventError):
        raise answer
    return answer


def _run(order: Order, place: str) -> str:
    """Run the process to its end, and say how it ended. What steps print a hundred times is not shown."""
    try:
        ended = subprocess.run(
            [sys.executable, "-P", "-c", "from solvent.deploy.checking import main; main()"],
            input=pickle.dumps(order),
            stdout=subprocess.DEVNULL,
            cwd=place,
            env=own_environment(),
            check=False,
            timeout=LONGEST_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"was not done after {LONGEST_SECONDS:.0f} s"
    return f"ended with exit code {ended.returncode}"


def main() -> None:
    """Read an order from standard input, do it, and write the answer to the file that it names."""
    import warnings

    warnings.simplefilter("ignore")
    # As the server does.
    limit_threads(1)
    order: Order = pickle.load(sys.stdin.buffer)
    answer: Any
    try:
        answer = _answer(order) if order.whole else _check(order)
    except SolventError as error:
        answer = error
    with open(order.answer, "wb") as file:
        pickle.dump(answer, file)


def _answer(order: Order) -> bytes:
    model = Model(open_bundle(order.folder))
    try:
        return model.predict(order.request, "application/json", b"", lambda decoded: None).body
    except BadRequest as error:
        raise BundleError(f"recorded rows are refused: {error.problems[:1]}") from error
    except StepError as error:
        cause = error.__cause__
        raise BundleError(f"step {error.step} fails on recorded rows: {type(cause).__name__}: {cause}") from error


def _check(order: Order) -> Checked:
    before = set(sys.modules)
    bundle = open_bundle(order.folder)
    model = Model(bundle)
    program = model.program
    modules = tuple(name for name in sys.modules if name not in before and _is_installed(name))
    with program.code.loading():
        request = pickle.loads(order.request)
    form = form_of(request)
    chosen, first = choose_rows(lay_out(request, form), form.count or max(form.counts(), default=0))
    checks = _Checks(program, take(request, chosen, form), len(chosen), first)
    steps = tuple(_named(each, chosen, request, form) for each in checks.run())
    recorded = to_columns(request, [each.name for each in bundle.manifest.request.columns])
    times = time_steps(model, recorded, max(form.counts())) if all(each.ok for each in steps) else ()
    return Checked(steps, tuple(chosen[place] for place in first), modules, times)


def _is_installed(name: str) -> bool:
    """Whether a module is of a library: no part of Solvent, of the interpreter, or of the bundle's own code."""
    top = name.partition(".")[0]
    file = getattr(sys.modules[name], "__file__", None) or ""
    return top != "solvent" and top not in sys.stdlib_module_names and "site-packages" in file


def _named(check: StepCheck, chosen: Sequence[int], request: Any, form: Form) -> StepCheck:
    """Name the rows of a check by their places among the recorded ones, with what was asked."""
    columns = lay_out(request, form).columns
    rows = tuple(
        changed(
            each,
            row=chosen[each.row],
            request={name: shown(values[chosen[each.row]]) for name, values in list(columns.items())[:40]},
        )
        for each in check.rows
    )
    return changed(check, rows=rows)


class _Checks:
    """Runs the calls of a program in their order, each checked with what those before it gave."""

    def __init__(self, program: Program, request: Any, rows: int, first: Sequence[int]) -> None:
        self._program = program
        self._request = request
        self._rows = rows
        self._first = first
        self._results: list[Any] = []

    def run(self) -> list[StepCheck]:
        found: list[StepCheck] = []
        refused: set[int] = set()
        for at, call in enumerate(self._program.calls):
            self._tell(f"checking step {call.call.step}")
            needed = {hole.index for hole in _holes(call) if hole.kind == "call"}
            if needed & refused:
                refused.add(at)
                found.append(_unchecked(call))
                self._results.append(None)
                continue
            check, answer = check_step(self._subject(at, call))
            if answer is None or check.relation == "a row for each row":
                refused.add(at)
            found.append(check)
            self._results.append(answer)
        return found

    def _tell(self, words: str) -> None:
        print(words, file=sys.stderr, flush=True)

    def _subject(self, at: int, call: LiveCall) -> Subject:
        inputs = {hole: _value(hole, self._request, self._results) for hole in _holes(call)}
        return Subject(
            step=call.call.step,
            function=call.call.function,
            apply=_applied(call),
            inputs=inputs,
            rows=self._rows,
            fresh=lambda: _applied(_fresh_program(self._program).calls[at]),
            digests=lambda: _digests(call),
            shared=frozenset(hole for hole in inputs if self._is_taken_later(at, hole)),
            first=self._first,
            source=getattr(call.step, "__wrapped__", None),
        )

    def _is_taken_later(self, at: int, hole: Hole) -> bool:
        return any(hole == other for call in self._program.calls[at + 1 :] for other in _holes(call))


def _unchecked(call: LiveCall) -> StepCheck:
    words = "was not checked: a step before it gives no row for each row"
    return StepCheck(call.call.step, call.call.function, (), 0, 0.0, words, "a row for each row")


def _holes(call: LiveCall) -> list[Hole]:
    found: list[Hole] = []
    for name in call.live:
        replace(call.arguments[name], _is_hole, found.append)
    return list(dict.fromkeys(found))


def _is_hole(given: Any) -> bool:
    return type(given) is Hole


def _value(hole: Hole, request: Any, results: list[Any]) -> Any:
    return fill(hole, request, results)


def _applied(call: LiveCall) -> Apply:
    def apply(values: Mapping[Any, Any]) -> Any:
        put: Callable[[Any], Any] = lambda hole: values[hole]  # noqa: E731
        return call.apply({name: replace(call.arguments[name], _is_hole, put) for name in call.live})

    return apply


def _fresh_program(program: Program) -> Program:
    """Load the program anew, with modules of its own."""
    return Program(program.bundle)


def _digests(call: LiveCall) -> dict[str, str]:
    """Give the digest of each frozen argument that has one."""
    from solvent.fingerprint.values import identify

    found = {}
    for name, given in call.arguments.items():
        if name not in call.live:
            try:
                found[name] = identify(given, path=name).digest
            except SolventError:
                continue
    return found
