"""Making artifacts again from the record, in processes of their own, and checking that they are what they were."""

from __future__ import annotations

import os
import pickle
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from solvent.config.private import make_folder
from solvent.errors import NotFoundError
from solvent.metadata.makers import Maker, makers
from solvent.metadata.models import versions_with
from solvent.metadata.results import Name
from solvent.model import ArtifactRef
from solvent.runs.beside import writing
from solvent.runs.trust import is_own

if TYPE_CHECKING:
    from solvent.runs.demand import RanAgain
    from solvent.runs.reenact import Answer
    from solvent.runs.stores import Stores

ATTEMPTS = 3
"""From how many runs an artifact is tried to be made, the newest first."""

Tell = Callable[[str], None]


class Remade(NamedTuple):
    """What came of one artifact: `why` says in words why it could not be made again, or is empty if it was.

    `maker` is the way that was taken last; None if the record has none.
    """

    digest: str
    type: str
    why: str
    maker: Maker | None

    @property
    def ok(self) -> bool:
        return not self.why


class Remaking(NamedTuple):
    """All that came of it: each artifact that was asked for, and the steps that were executed for them."""

    artifacts: list[Remade]
    made: list[RanAgain]

    @property
    def ok(self) -> bool:
        return all(each.ok for each in self.artifacts)


def remake(
    stores: Stores,
    artifacts: Iterable[ArtifactRef | Name],
    *,
    uncached: bool = False,
    anew: bool = False,
    tell: Tell | None = None,
) -> Remaking:
    """Make artifacts again whose bytes are gone, and put the bytes back if their content has the recorded digest.

    The steps that made them are executed in a process of its own, with their recorded inputs, seed and code; whatever of
    their inputs is missing is made first. `anew` executes them although their bytes are there. A step with `cache=False`
    is executed only if `uncached` says so. What can't be made again is left as it is, and said.
    """
    wanted = dict.fromkeys(_name(each) for each in artifacts)
    found = {name: own_ways(stores, name) for name in wanted}
    ways = {name: list(ways) for name, (ways, _) in found.items()}
    results = {name: Remade(*name, why, None) for name, (_, why) in found.items() if why}
    steps: list[RanAgain] = []
    for _ in range(ATTEMPTS):
        open_ways = {name: found for name, found in ways.items() if found and not _is_done(results.get(name))}
        if not open_ways:
            break
        with writing(stores.locks):
            tried = _round(stores, open_ways, results, steps, uncached=uncached, anew=anew, tell=tell or tell_stderr)
        for name, run_ids in tried.items():
            ways[name] = [each for each in ways[name] if each.run_id not in run_ids]
    return Remaking([results[name] for name in wanted], steps)


def names_of(reference: str, stores: Stores) -> list[Name]:
    """Give the artifacts that a person means: one by its digest or as RUN/STEP.FIELD, or all outputs of a run."""
    from solvent.runs.references import find_output, is_output

    if is_output(reference):
        output = find_output(reference, stores)
        return [(output.digest, output.type)]
    try:
        run_id = stores.metadata.find_run(reference).id
    except NotFoundError as no_run:
        try:
            return [_name(stores.metadata.find_artifact(reference))]
        except NotFoundError as no_artifact:
            raise (no_run if reference.startswith("latest") or "-" in reference else no_artifact) from None
    return outputs_of(run_id, stores)


def outputs_of(run_id: str, stores: Stores) -> list[Name]:
    """Give what the steps of a run gave, in call order, also where they were reused."""
    return list(dict.fromkeys(_name(each.artifact) for each in stores.metadata.list_artifacts(run_id, limit=1 << 31)))


def own_ways(stores: Stores, name: Name) -> tuple[list[Maker], str]:
    """Give the ways in which this project made an artifact, or say why there is none: code of others is not run."""
    found = makers(stores.metadata, *name)
    runs = {run_id: stores.metadata.find_run(run_id) for run_id in {each.run_id for each in found}}
    own = [each for each in found if is_own(runs[each.run_id], stores.project_name)]
    if own:
        return own, ""
    if not found:
        return [], _no_maker(stores, name)
    other = runs[found[0].run_id].project
    return (
        [],
        f"project {other!r} made it: repair it from there (this is {stores.project_name!r}, see setting `project`)",
    )


def _no_maker(stores: Stores, name: Name) -> str:
    """Say what makes an artifact that no step made: those of models are made by deploying alone."""
    versions = versions_with(stores.metadata, name[0])
    if not versions:
        return "no run on record made it"
    row = versions[-1]
    return (
        f"no step made it: it is of {row.endpoint}@{row.number}, and `solvent deploy {row.endpoint} --run {row.run_id}`"
        " makes it again"
    )


def tell_stderr(text: str) -> None:
    print(f"solvent: {text}", file=sys.stderr)


def _name(artifact: ArtifactRef | Name) -> Name:
    return (artifact.digest, artifact.type) if isinstance(artifact, ArtifactRef) else artifact


def _is_done(remade: Remade | None) -> bool:
    return remade is not None and remade.ok


def _round(
    stores: Stores,
    ways: dict[Name, list[Maker]],
    results: dict[Name, Remade],
    steps: list[RanAgain],
    *,
    uncached: bool,
    anew: bool,
    tell: Tell,
) -> dict[Name, set[str]]:
    """Try each artifact from one run, with as few runs as that takes."""
    todo = dict(ways)
    tried: dict[Name, set[str]] = {}
    while todo:
        run_id = _most_useful(todo)
        of_run = {name: maker for name, found in todo.items() for maker in found if maker.run_id == run_id}
        tell(f"making {len(of_run)} artifact{'s' * (len(of_run) > 1)} of run {run_id} again")
        answer = _ask(stores, run_id, of_run, uncached=uncached, anew=anew)
        steps += answer.made
        for goal, why in answer.verdicts.items():
            for name, maker in of_run.items():
                if (maker.kind, maker.position, maker.name) == goal[:3] and (
                    maker.kind != "result" or name == goal[3:]
                ):
                    # Of several ways that failed the newest one says most.
                    if not why or name not in results:
                        results[name] = Remade(*name, why, maker)
                    tried.setdefault(name, set()).add(run_id)
                    todo.pop(name, None)
    return tried


def _most_useful(ways: dict[Name, list[Maker]]) -> str:
    """Name the run that made most of what is wanted, the newest of equals."""
    counts = Counter(run_id for found in ways.values() for run_id in {maker.run_id for maker in found})
    newest = {maker.run_id: maker.at for found in ways.values() for maker in found}
    return max(counts, key=lambda run_id: (counts[run_id], newest[run_id]))


def _ask(stores: Stores, run_id: str, wanted: dict[Name, Maker], *, uncached: bool, anew: bool) -> Answer:
    """Start the process that makes things of a run again, and wait for its answer."""
    import subprocess
    import tempfile

    from solvent.runs.reenact import Answer, Goal, Request

    goals = tuple(dict.fromkeys(Goal(each.kind, each.position, each.name, *name) for name, each in wanted.items()))
    folder = os.path.join(stores.home, "tmp")
    make_folder(folder)
    path = [os.path.abspath(each) for each in sys.path]
    # The user's folders come last: a file there may have the name of a module that the process itself needs.
    own = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    code = (
        f"import sys; sys.path.append({own!r}); from solvent.runs.reenact import main; sys.path[:] = {path!r}; main()"
    )
    with tempfile.TemporaryDirectory(prefix="remake-", dir=folder) as place, open(f"{place}/log", "w+b") as log:
        request = Request(stores.project, run_id, goals, uncached, anew, f"{place}/answer")
        ended = subprocess.run(
            [sys.executable, "-P", "-c", code], input=pickle.dumps(request), stdout=log, stderr=log, check=False
        )
        try:
            with open(request.answer, "rb") as file:
                answer: Answer = pickle.load(file)
                return answer
        except (OSError, EOFError):
            log.seek(0)
            told = log.read()[-2000:].decode("utf-8", "replace").strip().rpartition("\n")[2]
            how = f"signal {-ended.returncode}" if ended.returncode < 0 else f"exit code {ended.returncode}"
            why = f"the process that made it again ended with {how}{': ' + told if told else ''}"
            return Answer(dict.fromkeys(goals, why), [])
