"""Is everything stored that the records name, and as it was written; if not, what is lost with it and what is not."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from solvent.artifacts.checking import LINK, LOOSE, MISSING, UNREADABLE, Leftover, leftovers, set_aside
from solvent.errors import StoreError
from solvent.metadata.lineage import StepNode
from solvent.metadata.makers import holders_of_blob, makers
from solvent.metadata.models import versions_with
from solvent.metadata.results import Name
from solvent.metadata.soundness import dangling, results_without_artifact
from solvent.model import StoredBlob
from solvent.runs.audit import Audit, Finding, Progress, audit
from solvent.runs.prospect import Prospects

if TYPE_CHECKING:
    from solvent.runs.demand import RanAgain
    from solvent.runs.remake import Tell
    from solvent.runs.stores import Stores

WRONG, MENDED, LOST, NOTED = "wrong", "mended", "lost", "noted"


@dataclass
class Problem:
    """One thing that is wrong: what it is, whose it is, what depends on it, and what can be done.

    `state`: wrong (nothing was done), mended, lost, or noted if it does no harm. `role` is what the bytes are: an
    artifact, a snapshot, source or git_diff of a run, a row of the metadata store, or nothing that is in use. `obstacle`
    says why they can't be put back; it is empty if they can.
    """

    kind: str
    detail: str
    role: str
    digest: str = ""
    size_bytes: int = 0
    path: str = ""
    state: str = WRONG
    obstacle: str = ""
    artifacts: list[Name] = field(default_factory=list)
    made_by: list[str] = field(default_factory=list)
    dependents: list[str] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)


@dataclass
class Report:
    """What `verify` found and did; `ok` if nothing is wrong now. Sizes are bytes."""

    count: int
    size_bytes: int
    seconds: float
    problems: list[Problem]
    unreferenced: list[StoredBlob]
    dropped: list[StoredBlob]
    leftovers: list[Leftover]
    made: list[RanAgain]

    @property
    def ok(self) -> bool:
        return all(each.state in (MENDED, NOTED) for each in self.problems)

    def with_state(self, state: str) -> list[Problem]:
        return [each for each in self.problems if each.state == state]


def verify(
    stores: Stores,
    *,
    repair: bool = False,
    uncached: bool = False,
    progress: Progress | None = None,
    tell: Tell | None = None,
) -> Report:
    """Read everything that is stored, and say what is missing or damaged, whose it is and what depends on it.

    What is damaged is moved aside, so that no run takes it for a result any more. With `repair` it is put back: from the
    project's files, or by executing the step that made it; `uncached` allows that for steps with `cache=False`.
    """
    began = time.monotonic()
    damage = [Problem("damaged", text, "metadata", obstacle="restore it from a backup") for text in _check(stores)]
    if damage:
        return Report(0, 0, time.monotonic() - began, damage, [], [], [], [])
    found = audit(stores, progress)
    problems = [_problem(each, stores) for each in found.findings if not _is_unnamed_now(each, stores)]
    rows = [*dangling(stores.metadata), *results_without_artifact(stores.metadata)]
    problems += [Problem("dangling", f"{row.what} is not there: {row.names}", "metadata") for row in rows]
    _set_aside(found.findings, stores)
    _look_ahead(problems, stores, uncached)
    made: list[RanAgain] = []
    if repair:
        made = _mend(problems, found, stores, uncached, tell)
    return Report(
        found.total,
        found.size_bytes,
        time.monotonic() - began,
        problems,
        found.unreferenced,
        found.dropped,
        list(leftovers(stores.blobs)),
        made,
    )


def _check(stores: Stores) -> list[str]:
    found: list[str] = stores.metadata.check()
    return found


def _is_unnamed_now(finding: Finding, stores: Stores) -> bool:
    """Whether a clean-up beside this has removed a blob that an artifact had, and the artifact with it."""
    gone = finding.role == "artifact" and finding.fault.kind == MISSING
    return gone and not holders_of_blob(stores.metadata, finding.blob.digest)


def _problem(finding: Finding, stores: Stores) -> Problem:
    blob, fault = finding.blob, finding.fault
    problem = Problem(fault.kind, fault.detail, finding.role, blob.digest, blob.size_bytes, finding.path)
    if finding.role == "" or fault.kind == LOOSE:
        problem.state = NOTED
    problem.runs = list(finding.runs)
    if finding.role == "artifact":
        problem.artifacts = holders_of_blob(stores.metadata, blob.digest)
        for name in problem.artifacts:
            _add_lineage(problem, name, stores)
    return problem


def _add_lineage(problem: Problem, name: Name, stores: Stores) -> None:
    """Add who made an artifact, and the step runs and runs that depend on it."""
    for way in makers(stores.metadata, *name):
        if way.kind != "reuse":
            _add(problem.made_by, f"{way.step}{'.' + way.name if way.name else ''} of run {way.run_id}")
        _add(problem.runs, way.run_id)
    for row in versions_with(stores.metadata, name[0]):
        _add(problem.made_by, f"the deployment of {row.endpoint}@{row.number}")
        _add(problem.runs, row.run_id)
    for edge in stores.metadata.walk_down(*name):
        taker = edge.end
        if isinstance(taker, StepNode):
            _add(problem.dependents, f"{taker.step} of run {taker.run_id}")
            _add(problem.runs, taker.run_id)


def _add(names: list[str], name: str) -> None:
    if name not in names:
        names.append(name)


def _set_aside(findings: Iterable[Finding], stores: Stores) -> None:
    """Let nothing damaged pass for a blob, whether it is repaired or not."""
    for finding in findings:
        if finding.fault.kind not in (LINK, LOOSE, UNREADABLE):
            with suppress(StoreError):  # where nothing can be moved, saying what is wrong is all there is to do
                set_aside(stores.blobs, finding.blob)


def _look_ahead(problems: Iterable[Problem], stores: Stores, uncached: bool) -> None:
    prospects = Prospects(stores, uncached=uncached)
    for problem in problems:
        for name in problem.artifacts:
            problem.obstacle = problem.obstacle or prospects.obstacle(name)


def _mend(
    problems: Iterable[Problem], found: Audit, stores: Stores, uncached: bool, tell: Tell | None
) -> list[RanAgain]:
    from solvent.runs.repair import Repair

    repair = Repair(stores, uncached=uncached, tell=tell)
    repair.mend(found.findings, found.back)
    for problem in problems:
        if problem.role == "metadata" or (problem.role == "" and problem.digest not in repair.lost):
            continue
        problem.obstacle = repair.lost.get(problem.digest, "")
        problem.state = LOST if problem.obstacle else MENDED
    return repair.remaking.made
