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
        assert (report.unreferenced, report.leftovers) == ([], [])
    listed = solvent.runs(limit=1000)
    for run in listed:
        assert run.status in ("done", "failed", "interrupted"), run
        assert run.result is not None or run.status != "done"
        for step in run.steps:
            assert step.status not in ("done", "reused") or step.output is not None
            assert step.why
            assert dict(step.inputs) is not None
            assert step.code is not None or step.status in ("skipped", "cancelled")
            for artifact in step.artifacts.values():
                edges = stores.metadata.walk_up(artifact.digest, artifact.type)
                assert edges, (run, step)
                stores.metadata.walk_down(artifact.digest, artifact.type)
        repr(solvent.diff(listed[0], run))
