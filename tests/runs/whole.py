"""Whether a store is whole: all that its runs reach is there, questions about them have answers, nothing is over."""

from __future__ import annotations

import solvent
from solvent.metadata.soundness import dangling
from solvent.runs.stores import Stores
from solvent.runs.verify import verify


def check_whole(stores: Stores, *, clean: bool = True) -> None:
    """Fail unless every run that is listed is whole; with `clean`, also if there is a byte that nothing names."""
    report = verify(stores)
    assert report.ok, report.problems
    assert list(dangling(stores.metadata)) == []
    if clean:
        assert report.unreferenced == []
        assert report.leftovers == []
    listed = solvent.runs(limit=1000)
    for run in listed:
        assert run.status in ("done", "failed", "interrupted"), run
        # What was dropped is made again by a process of its own: another test does that.
        there = not any(artifact.dropped for step in run.steps for artifact in step.artifacts.values())
        assert run.status != "done" or not there or run.result is not None
        for step in run.steps:
            assert step.why
            if there:
                assert step.status not in ("done", "reused") or step.output is not None
                assert dict(step.inputs) is not None
            assert step.code is not None or step.status in ("skipped", "cancelled")
            for artifact in step.artifacts.values():
                edges = stores.metadata.walk_up(artifact.digest, artifact.type)
                assert edges, (run, step)
                stores.metadata.walk_down(artifact.digest, artifact.type)
        repr(solvent.diff(listed[0], run))
