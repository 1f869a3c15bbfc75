"""Runs as OpenLineage events (specification 2-0-2): a run and its step runs, with the datasets that they took and gave.

A run is a job `PIPELINE`, each of its steps a job `PIPELINE.STEP` with that run as its parent, all in the namespace of the
project. A named dataset keeps its name; every other output is `PIPELINE/STEP.FIELD`.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from solvent.metadata.datasets import datasets_of_run
from solvent.model import WHOLE, ArtifactRef, Input, Observation, RunRecord, StepRunRecord
from solvent.profiles.records import ColumnProfile, Profile
from solvent.runs.datasets import read_profile
from solvent.runs.stores import Stores

Event = dict[str, Any]

_SPEC = "https://openlineage.io/spec"
_ENDS = {"done": "COMPLETE", "reused": "COMPLETE", "failed": "FAIL", "interrupted": "ABORT", "cancelled": "ABORT"}
_SPACE = uuid.uuid5(uuid.NAMESPACE_URL, "solvent:runs")


class RunEvents:
    """The events of one run as the stores know it; `begin` needs only its first row, `end` all of it."""

    def __init__(self, record: RunRecord, stores: Stores) -> None:
        self._run = record
        self._stores = stores
        self._project = record.project or stores.project_name

    def begin(self) -> Event:
        """Give the event of the run's start."""
        return self._event("START", self._run.started_at, self._run_part(), self._job(self._run.pipeline, "PIPELINE"))

    def end(self) -> Iterator[Event]:
        """Give the events of the step runs, in call order, and that of the run's end."""
        for record in self._records.values():
            if record.status in _ENDS:
                yield from self._step(record)
        run, job = self._run_part(), self._job(self._run.pipeline, "PIPELINE")
        if self._run.error:
            run["facets"]["errorMessage"] = _error(self._run.error)
        yield self._event(_ENDS.get(self._run.status, "OTHER"), self._run.ended_at or self._run.started_at, run, job)

    def _step(self, record: StepRunRecord) -> Iterator[Event]:
        execution = record.execution if record.source is None else None
        uuid_of_step = str(uuid.uuid5(self._run_uuid, str(record.position)))
        run: Event = {"runId": uuid_of_step, "facets": self._step_facets(record)}
        job = self._job(f"{self._run.pipeline}.{record.name}", "STEP")
        taken, given = self._inputs(record), self._outputs(record)
        began = execution.started_at if execution else record.finished_at
        yield self._event("START", began, run, job, taken)
        failure = record.execution.failure if record.execution else None
        if failure is not None:
            text = f"{failure.kind}: {failure.message}"
            run = {**run, "facets": {**run["facets"], "errorMessage": _error(text, failure.traceback)}}
        yield self._event(_ENDS[record.status], record.finished_at, run, job, taken, given)

    # Runs and jobs

    @cached_property
    def _run_uuid(self) -> uuid.UUID:
        return uuid.uuid5(_SPACE, f"{self._project}/{self._run.id}")

    def _run_part(self) -> Event:
        from solvent import __version__

        engine = _facet("ProcessingEngineRunFacet", "1-1-1", version=__version__, name="solvent")
        facts = {"id": self._run.id, "user": self._run.user, "host": self._run.host, "engine": self._run.engine}
        return {
            "runId": str(self._run_uuid),
            "facets": {"processing_engine": engine, "solvent_run": _own("run", **facts, seed=self._run.seed)},
        }

    def _step_facets(self, record: StepRunRecord) -> Event:
        parent: Event = {
            "run": {"runId": str(self._run_uuid)},
            "job": {"namespace": self._project, "name": self._run.pipeline},
        }
        facts = {"status": record.status, "why": record.why, "key": record.key}
        return {
            "parent": _facet("ParentRunFacet", "1-2-0", **parent),
            "solvent_step": _own("step", **facts, index=record.occurrence),
        }

    def _job(self, name: str, kind: str) -> Event:
        described = _facet("JobTypeJobFacet", "2-0-4", processingType="BATCH", integration="SOLVENT", jobType=kind)
        return {"namespace": self._project, "name": name, "facets": {"jobType": described}}

    def _event(self, kind: str, at: float, run: Event, job: Event, inputs: Any = (), outputs: Any = ()) -> Event:
        return {
            "eventType": kind,
            "eventTime": datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds"),
            "run": run,
            "job": job,
            "inputs": list(inputs),
            "outputs": list(outputs),
            "producer": _producer(),
            "schemaURL": f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent",
        }

    # Datasets

    @cached_property
    def _records(self) -> Mapping[int, StepRunRecord]:
        return {each.position: each for each in self._stores.metadata.list_step_runs(self._run.id)}

    @cached_property
    def _named(self) -> Mapping[tuple[int, str], tuple[str, str]]:
        """Dataset name and version by position and field."""
        found = datasets_of_run(self._stores.metadata, self._run.id)
        return {(use.position, use.field): (name, str(use.number)) for name, use in found}

    def _inputs(self, record: StepRunRecord) -> list[Event]:
        taken = [self._taken(each) for each in record.inputs if each.position is not None]
        seen = record.execution.observations if record.execution else ()
        return [*taken, *(self._seen(each) for each in seen if each.kind in ("source", "file"))]

    def _taken(self, given: Input) -> Event:
        dataset = self._dataset(given.position or 0, given.field or WHOLE, given.digest, given.type)
        profile = self._profile(given.digest, given.type)
        if profile is not None:
            dataset["inputFacets"] = {"dataQualityMetrics": _quality(profile)}
        return dataset

    def _seen(self, seen: Observation) -> Event:
        """Describe a source or a file that the step read."""
        if seen.kind == "source":
            namespace, name = self._namespace, f"source/{seen.subject}"
        else:
            path = os.path.join(self._stores.project.root, seen.subject)
            namespace, name = "file", os.path.normpath(path).replace(os.sep, "/")
        return {"namespace": namespace, "name": name, "facets": {"version": _version(seen.token)}}

    def _outputs(self, record: StepRunRecord) -> list[Event]:
        outputs = record.execution.outputs if record.execution and record.status in ("done", "reused") else {}
        return [self._given(record, field, artifact) for field, artifact in outputs.items()]

    def _given(self, record: StepRunRecord, field: str, artifact: ArtifactRef) -> Event:
        dataset = self._dataset(record.position, field, artifact.digest, artifact.type)
        profile = self._profile(artifact.digest, artifact.type)
        rows = {} if profile is None else {"rowCount": profile.rows}
        statistics = _facet("OutputStatisticsOutputDatasetFacet", "1-0-2", **rows, size=artifact.size_bytes)
        dataset["outputFacets"] = {"outputStatistics": statistics}
        return dataset

    def _dataset(self, position: int, field: str, digest: str, type: str) -> Event:
        name, version = self._named.get((position, field), ("", digest))
        facets = {"version": _version(version)}
        profile = self._profile(digest, type)
        if profile is not None:
            facets["schema"] = _schema(profile)
        return {"namespace": self._namespace, "name": name or self._own_name(position, field), "facets": facets}

    def _own_name(self, position: int, field: str) -> str:
        record = self._records[position]
        label = f"{record.name}[{record.occurrence}]" if record.occurrence else record.name
        return f"{self._run.pipeline}/{label}" + (f".{field}" if field != WHOLE else "")

    @property
    def _namespace(self) -> str:
        return f"solvent://{self._project}"

    def _profile(self, digest: str, type: str) -> Profile | None:
        return read_profile(self._stores, digest, type)


def _producer() -> str:
    from solvent import __version__

    return f"urn:solvent:{__version__}"


def _facet(name: str, version: str, /, **fields: Any) -> Event:
    url = f"{_SPEC}/facets/{version}/{name}.json#/$defs/{name}"
    return {"_producer": _producer(), "_schemaURL": url, **fields}


def _own(name: str, /, **fields: Any) -> Event:
    """Make a facet that only Solvent has; others pass it on as it is."""
    return {"_producer": _producer(), "_schemaURL": f"urn:solvent:facets:{name}:1", **fields}


def _version(text: str) -> Event:
    return _facet("DatasetVersionDatasetFacet", "1-0-1", datasetVersion=text)


def _error(message: str, traceback: str = "") -> Event:
    stack = {"stackTrace": traceback} if traceback else {}
    return _facet("ErrorMessageRunFacet", "1-0-1", message=message, programmingLanguage="PYTHON", **stack)


def _schema(profile: Profile) -> Event:
    fields = [
        {"name": column.name, "type": column.type, "ordinal_position": place}
        for place, column in enumerate(profile.columns, 1)
    ]
    return _facet("SchemaDatasetFacet", "1-2-0", fields=fields)


def _quality(profile: Profile) -> Event:
    columns = {column.name: _column(column) for column in profile.columns}
    return _facet(
        "DataQualityMetricsInputDatasetFacet",
        "1-0-3",
        rowCount=profile.rows,
        bytes=profile.size_bytes,
        columnMetrics=columns,
    )


_SHOWN_QUANTILES = (0, 0.1, 0.25, 0.5, 0.75, 0.9, 1)


def _column(column: ColumnProfile) -> Event:
    found: Event = {"nullCount": column.nulls, "count": float(column.rows - column.nulls)}
    if column.distinct is not None:
        found["distinctCount"] = column.distinct
    for name, value in (("min", column.minimum), ("max", column.maximum)):
        if isinstance(value, int | float):
            found[name] = float(value)
    if column.quantiles:
        last = len(column.quantiles) - 1
        found["quantiles"] = {str(share): column.quantiles[round(share * last)] for share in _SHOWN_QUANTILES}
    return found
