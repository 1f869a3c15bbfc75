"""A store as years of work would leave it: many runs of ten steps, with reuse, edits, new data, tables, models, metrics.

python -m tests.metadata.history PATH [RUNS]     makes one
"""

from __future__ import annotations

import json
import random
import sys
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from solvent.metadata.store import MetadataStore
from solvent.metadata.writes import Writes
from solvent.model import (
    ArtifactRef,
    Blob,
    CodeFingerprint,
    Execution,
    Identity,
    Input,
    Metric,
    Observation,
    RunRecord,
    StepRunRecord,
    Symbol,
)

BEGAN = 1.7e9
TABLE, MODEL, NUMBER = "pandas:DataFrame", "sklearn.ensemble:RandomForestClassifier", "builtins:float"
COLUMNS = ("date", "origin", "dest", "carrier", "air_time", "distance", "hour", "wind", "visibility", "delay", "late")
PACKAGES = {"numpy": "2.1.0", "pandas": "2.2.3", "pyarrow": "18.0.0", "python": "3.11", "scikit-learn": "1.5.2"}


class Call(NamedTuple):
    """One of the ten calls: the step, what it takes (argument, position, field), what it gives, its parameters."""

    name: str
    occurrence: int
    takes: tuple[tuple[str, int, str], ...]
    gives: tuple[tuple[str, str], ...]
    parameters: tuple[str, ...] = ()


CALLS = (
    Call("load", 0, (), (("", TABLE),), ("source",)),
    Call("clean", 0, (("table", 0, ""),), (("", TABLE),)),
    Call("split", 0, (("table", 1, ""),), (("train", TABLE), ("test", TABLE)), ("share", "seed")),
    Call("features", 0, (("table", 2, "train"),), (("", TABLE),)),
    *(Call("fit", n, (("train", 3, ""),), (("", MODEL),), ("depth", "seed")) for n in range(3)),
    *(Call("score", n, (("model", 4 + n, ""), ("test", 2, "test")), (("", NUMBER),)) for n in range(3)),
)


class Gathered(Writes):
    """Takes what the real writes would write, to write it in bulk."""

    def __init__(self) -> None:
        self.gathered: dict[str, list[Sequence[Any]]] = defaultdict(list)
        self.rowcount = 1

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        self.gathered[sql].append(parameters)
        return self

    def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        self.gathered[sql].extend(rows)

    def move_to(self, store: MetadataStore) -> None:
        """Write it all in one transaction, tables that others refer to first."""
        order = ("runs", "codes", "symbols", "step_runs", "artifacts")
        tables = {sql: sql.split()[2] for sql in self.gathered}
        ranks = {sql: order.index(table) if table in order else len(order) for sql, table in tables.items()}
        with store.transaction():
            for sql in sorted(self.gathered, key=lambda each: ranks[each]):
                store.execute_many(sql, self.gathered[sql])
        self.gathered.clear()


class History:
    """Makes runs, one after the other; the same seed makes the same ones."""

    def __init__(self, seed: int = 0, pipelines: int = 5) -> None:
        self._random = random.Random(seed)
        self._pipelines = [f"delays_{number}" for number in range(pipelines)]
        self._last: dict[tuple[str, int], StepRunRecord] = {}
        self._codes: dict[tuple[str, str], str] = {}
        self._count = 0

    def fill(self, store: MetadataStore, runs: int, at_once: int = 500) -> None:
        """Write so many runs of ten step runs each."""
        gathered = Gathered()
        for number in range(runs):
            self._add_run(gathered)
            if number % at_once == at_once - 1:
                gathered.move_to(store)
        gathered.move_to(store)

    def _add_run(self, store: Gathered) -> None:
        number, self._count = self._count, self._count + 1
        pipeline = self._random.choice(self._pipelines)
        at = BEGAN + number * 300.0
        run_id = f"20260101-{number:06}-{self._hex(6)}"
        # What changed since the last run: nothing, a parameter of fit, the code of a step, the data.
        what = self._random.choices(("nothing", "parameter", "code", "data"), (40, 40, 10, 10))[0]
        changed = {"nothing": 10, "parameter": 4, "code": self._random.randrange(10), "data": 0}[what]
        steps = [self._step_run(store, pipeline, run_id, place, at, changed, what) for place in range(10)]
        counts = {status: sum(step.status == status for step in steps) for status in ("done", "reused")}
        config = {"source": "data/flights.parquet", "share": 0.2, "seed": 7, "depths": [3, 5, 8], "gate": number}
        store.add_run(
            RunRecord(
                run_id,
                pipeline,
                f"flights.pipelines:{pipeline}",
                "done" if number % 20 else "failed",
                at,
                at + 30,
                user="mona",
                host="laptop",
                cwd="/home/mona/flights",
                command=f"solvent run flights.pipelines:{pipeline} --set gate={number}",
                config=json.dumps(config),
                config_sources=json.dumps(dict.fromkeys(config, "configs/base.yaml:3")),
                code=self._code(store, pipeline, "pipeline", edited=False),
                snapshot=self._hex(64),
                environment=self._codes.setdefault(("", "environment"), self._hex(64)),
                git_commit=self._hex(40),
                git_branch="main",
                result=json.dumps({"artifact": [self._hex(64), MODEL, "skops"]}),
                counts=json.dumps(counts),
                project="flights",
            )
        )
        for step in steps:
            store.add_step_run(step)
        if number % 10 == 0:
            store.add_tag("run", run_id, "good", "mona")

    def _step_run(
        self, store: Gathered, pipeline: str, run_id: str, place: int, at: float, changed: int, what: str
    ) -> StepRunRecord:
        call, last = CALLS[place], self._last.get((pipeline, place))
        inputs = tuple(self._input(pipeline, run_id, *taken) for taken in call.takes)
        if last is not None and place < changed:
            return StepRunRecord(
                run_id,
                place,
                call.name,
                call.occurrence,
                "reused",
                last.key,
                "nothing it depends on changed",
                source=(last.run_id, last.position),
                code=last.code,
                finished_at=at + place,
                inputs=inputs,
            )
        code = self._code(store, pipeline, call.name, edited=what == "code" and place == changed)
        made = StepRunRecord(
            run_id,
            place,
            call.name,
            call.occurrence,
            "done",
            self._hex(64),
            f"input `{call.takes[0][0] if call.takes else 'source'}` changed",
            parts=self._parts(call, code, inputs),
            code=code,
            finished_at=at + place,
            execution=self._execution(call, at),
            inputs=inputs,
        )
        self._last[pipeline, place] = made
        return made

    def _input(self, pipeline: str, run_id: str, name: str, place: int, field: str) -> Input:
        maker = self._last[pipeline, place]
        assert maker.execution is not None
        artifact = maker.execution.outputs[field]
        return Input(name, artifact.digest, artifact.type, run_id, place, field)

    def _execution(self, call: Call, at: float) -> Execution:
        fits = call.name == "fit"
        return Execution(
            {field: self._artifact(type) for field, type in call.gives},
            at,
            2.5,
            2.25,
            200_000_000,
            "step",
            observations=(Observation("file", "data/flights.parquet", self._hex(64)),) if call.name == "load" else (),
            metrics=tuple(Metric("loss", self._random.random(), n, at + n) for n in range(5)) if fits else (),
            log=b"epoch done, loss goes down\n" * 5 if fits else b"",
            log_bytes=135 if fits else 0,
        )

    def _artifact(self, type: str) -> ArtifactRef:
        if type == NUMBER:
            data = repr(self._random.random()).encode()
            return ArtifactRef(Identity(self._hex(64), type), "json", len(data), data)
        blobs = (Blob(self._hex(64), 10_000_000, ""),)
        if type == MODEL:
            return ArtifactRef(Identity(self._hex(64), type), "skops", 10_000_000, None, blobs, {"trusted": []})
        columns = {name: self._hex(64) for name in COLUMNS}
        meta = {"index": "RangeIndex", "rows": 336_776}
        return ArtifactRef(Identity(self._hex(64), type, (), columns), "pandas", 10_000_000, None, blobs, meta)

    def _parts(self, call: Call, code: str, inputs: tuple[Input, ...]) -> str:
        arguments = {each.name: [each.digest, each.type, ""] for each in inputs}
        arguments |= {name: [self._hex(64), "builtins:int", "7"] for name in call.parameters}
        externals = {"data/flights.parquet": self._hex(64)} if call.name == "load" else {}
        parts = {"arguments": arguments, "code": code, "environment": PACKAGES, "externals": externals, "salt": None}
        return json.dumps({**parts, "step": call.name, "version": 1}, separators=(",", ":"))

    def _code(self, store: Gathered, pipeline: str, name: str, *, edited: bool) -> str:
        known = self._codes.get((pipeline, name))
        if known is None or edited:
            known = self._codes[pipeline, name] = self._hex(64)
            symbols = tuple(
                Symbol(f"flights.features.helper_{number}", "function", self._hex(64), "flights/features.py", number)
                for number in range(15)
            )
            store.add_code(CodeFingerprint(known, symbols, tuple(PACKAGES), (), ("flights/features.py",)))
        return known

    def _hex(self, length: int) -> str:
        return f"{self._random.getrandbits(4 * length):0{length}x}"


if __name__ == "__main__":
    with MetadataStore.open(sys.argv[1]) as opened:
        History().fill(opened, int(sys.argv[2]) if len(sys.argv) > 2 else 100_000)
