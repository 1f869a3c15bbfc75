"""The process that makes a run's artifacts again: its code from the snapshot, its config from the record, its body anew.

It is started by `solvent.runs.remake`, so that the caller's modules, threads and streams have no part in it.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

from solvent.config.project import Project
from solvent.config.resolve import rebuild
from solvent.config.threads import limit_threads
from solvent.environments.capture import capture
from solvent.environments.restore import read_snapshot
from solvent.errors import SolventError
from solvent.fingerprint.former import use_former
from solvent.fingerprint.values import identify
from solvent.metadata.makers import files_of_run
from solvent.model import ArtifactRef
from solvent.pipelines.context import inside_run
from solvent.pipelines.ref import Ref
from solvent.runs import catalogue
from solvent.runs.beside import writing
from solvent.runs.capture import WorkerOutput
from solvent.runs.demand import Demand, Enough, Lost, Means, RanAgain
from solvent.runs.keyer import Keyer
from solvent.runs.memo import StoreMemo
from solvent.runs.moved import Moved
from solvent.runs.result import encode_result
from solvent.runs.scripts import load_former_pipeline
from solvent.runs.stores import Stores
from solvent.runs.tracebacks import user_traceback


class Goal(NamedTuple):
    """What is wanted of a run, of the kinds of `Maker`: of the call at `position`, or what the "result" holds.

    `name` is the field of the output, or what the step called the attachment; `digest` and `type` are the artifact's.
    """

    kind: str
    position: int
    name: str
    digest: str
    type: str


class Request(NamedTuple):
    """What this process is to do; `anew` executes the steps of the goals although their bytes are there."""

    project: Project
    run_id: str
    goals: tuple[Goal, ...]
    uncached: bool
    anew: bool
    answer: str


class Answer(NamedTuple):
    """What came of it: for each goal why it was not reached, or nothing; and the steps that were executed."""

    verdicts: dict[Goal, str]
    made: list[RanAgain]


class Traced(NamedTuple):
    """A recorded run whose body was run again: its calls, what it returned, and what it was called with."""

    demand: Demand
    result: Any
    pipeline: Any
    config: Any


def main() -> None:
    """Read a request from standard input, do it, and write the answer to the file that it names."""
    request: Request = pickle.load(sys.stdin.buffer)
    try:
        with Stores(request.project, create=False) as stores, writing(stores.locks):
            answer = Reenactment(request, stores).answer()
    except Lost as lost:
        answer = _nothing(request, lost.why)
    except SolventError as error:
        answer = _nothing(request, error.problem)
    except BaseException as error:
        traceback.print_exc()
        answer = _nothing(request, f"{type(error).__name__}: {error}")
    with open(request.answer, "wb") as file:
        pickle.dump(answer, file)


def _nothing(request: Request, why: str) -> Answer:
    return Answer(dict.fromkeys(request.goals, why), [])


class Reenactment:
    """One recorded run, made again as far as it is wanted."""

    def __init__(self, request: Request, stores: Stores) -> None:
        self._request = request
        self._stores = stores
        self._root = str(stores.project.root)
        self._run = stores.metadata.find_run(request.run_id)
        self._files = files_of_run(stores.metadata, self._run.id)
        self._whole = any(goal.kind == "result" for goal in request.goals)
        self._kept: dict[tuple[str, str], ArtifactRef] = {}

    def answer(self) -> Answer:
        body = self._begin(None if self._whole else max(goal.position for goal in self._request.goals))
        ended = self._enact(body)
        return Answer({goal: self._reach(goal, ended) for goal in self._request.goals}, self._demand.made)

    def trace(self) -> Traced:
        """Run the body to its end with the recorded results.

        Lost if the record or the code does not allow that; what the body itself raises passes through.
        """
        body = self._begin(None)
        self._demand.asked = []
        with inside_run(self._demand):
            result = body()
        return Traced(self._demand, result, self._pipeline, self._config)

    def _begin(self, last: int | None) -> Callable[[], Any]:
        """Get the code, the folder and the threads of the run; give its body."""
        threads = self._threads() if self._run.engine == "processes" else None
        if threads is not None:
            limit_threads(threads("*"))
        os.chdir(self._folder())
        body = self._body()
        self._demand = Demand(self._means(threads), self._stores.metadata.list_step_runs(self._run.id), last)
        return body

    def _folder(self) -> str:
        """Give the folder in which the run was started."""
        cwd = Moved(self._run, self._files, self._root).here(self._run.cwd)
        return cwd if os.path.isdir(cwd) else self._root

    def _threads(self) -> Callable[[str], int]:
        """Give numeric libraries the threads that they had: their sums depend on it in the last bits."""
        settings = self._stores.project.settings
        return lambda name: max(1, int(settings.step(name).cpus or 1))

    def _body(self) -> Callable[[], Any]:
        self._pipeline = pipeline = self._load()
        self._config = config = rebuild(pipeline.config_type, pipeline.parameters, json.loads(self._run.config))
        if pipeline.config_type is not None:
            return lambda: pipeline.__wrapped__(config)
        return lambda: pipeline.__wrapped__(**config)

    def _load(self) -> Any:
        run = self._run
        sources, folders = read_snapshot(self._snapshot(), self._root, self._stores.blobs, self._files)
        use_former(sources)
        sys.path += [each for each in (*folders, os.getcwd(), self._root) if each not in sys.path]
        return load_former_pipeline(run.target, self._root, run.command)

    def _snapshot(self) -> str | None:
        """Give the snapshot of the run, or, for one that was killed before it took one, of another with its code."""
        run = self._run
        if run.snapshot is None and run.code is not None:
            for other in self._stores.metadata.list_runs(run.pipeline, limit=200):
                if other.code == run.code and other.target == run.target and other.snapshot:
                    return other.snapshot
        return run.snapshot

    def _means(self, cpus: Callable[[str], int] | None) -> Means:
        stores, run = self._stores, self._run
        memo = StoreMemo(stores.metadata)
        root = str(stores.project.root)
        environment = capture(stores.cache_folder)
        catalogue.begin(stores.project, None, memo)
        keyer = Keyer(run.id, run_seed=run.seed, root=root, environment=environment, memo=memo)
        return Means(stores, keyer, _output, root, run.seed, cpus, self._request.uncached, self._request.anew)

    def _enact(self, body: Callable[[], Any]) -> str:
        """Run the body as far as it is needed; say why it ended before its end, if it did."""
        try:
            with inside_run(self._demand):
                result = body()
                if self._whole:
                    encode_result(result, self._keep)
        except Enough:
            return ""
        except Lost as lost:
            return lost.why
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            print(user_traceback(error), file=sys.stderr)
            return f"the pipeline's body ended with {type(error).__name__}: {error}"
        return ""

    def _keep(self, value: Any) -> ArtifactRef:
        """Note what the result is made of; what a step did not store by itself is an artifact of the run."""
        if type(value) is Ref:
            known = self._demand.artifact_of(value)
            if known is not None:
                return known
            value = self._demand.value(value)
        artifact = self._demand.save(value, identify(value, path="result"))
        self._kept[artifact.digest, artifact.type] = artifact
        return artifact

    def _reach(self, goal: Goal, ended: str) -> str:
        try:
            return self._result(goal, ended) if goal.kind == "result" else self._output(goal, ended)
        except Lost as lost:
            return lost.why
        except SolventError as error:
            return error.problem

    def _output(self, goal: Goal, ended: str) -> str:
        if goal.position >= len(self._demand.states):
            return ended or f"the pipeline's body ended before its call {goal.position}"
        state = self._demand.states[goal.position]
        if not self._request.anew and goal.kind != "attachment":
            output = state.outputs.get((goal.name,) if goal.name else ())
            if output is not None and output.artifact is not None and self._demand.is_there(output.artifact):
                return ""
        return self._demand.make(state).get(goal.name, f"`{state.label}` did not give it this time")

    def _result(self, goal: Goal, ended: str) -> str:
        artifact = self._kept.get((goal.digest, goal.type))
        if artifact is None:
            return ended or "the pipeline's result was made again, but differs; it is not reproducible"
        self._demand.keep([artifact])
        return ""


def _output() -> WorkerOutput:
    return WorkerOutput("")
