"""Why a step ran: its key's parts against those of the nearest former call, in words."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from solvent.errors import NotFoundError
from solvent.metadata.store import MetadataStore
from solvent.model import CodeFingerprint
from solvent.plan.explain import explain
from solvent.runs.state import CallState

CANDIDATES = 50
REASONS = 3


class Former(NamedTuple):
    """An earlier call of the same step."""

    run_id: str
    position: int
    occurrence: int
    key: str
    parts: dict[str, Any]
    code: str | None


class Explainer:
    """Explains the calls of one run, or of a plan, against the last run of the pipeline that came to the same step."""

    def __init__(self, pipeline: str, run_id: str | None) -> None:
        self._pipeline = pipeline
        self._run_id = run_id
        self._former: dict[str, list[Former]] = {}
        self._codes: dict[str, CodeFingerprint | None] = {}

    def why(self, metadata: MetadataStore, state: CallState) -> str:
        """Say in one line why the call was not reused."""
        former = self.nearest(metadata, state)
        if former is None:
            return state.missed or "it has not run before"
        if former.key == state.key:
            return state.missed or "its former execution did not end well"
        reasons = self.reasons(metadata, state, former)
        if state.missed:
            reasons.insert(0, state.missed)
        shown = reasons[:REASONS]
        more = len(reasons) - len(shown)
        return "; ".join(shown) + (f"; and {more} more" if more else "")

    def reasons(self, metadata: MetadataStore, state: CallState, former: Former) -> list[str]:
        """List every difference to the former call, the most telling first."""
        old_code = self._code(metadata, former.code)
        return explain(json.loads(state.parts), state.code, former.parts, old_code) or ["its key changed"]

    def nearest(self, metadata: MetadataStore, state: CallState) -> Former | None:
        """Find the former call most like this one: the same key, else the fewest differing parts, else the same place."""
        candidates = self._candidates(metadata, state.name)
        if not candidates:
            return None
        parts = json.loads(state.parts)
        return min(
            candidates,
            key=lambda each: (
                each.key != state.key,
                _differences(parts, each.parts),
                abs(each.occurrence - state.call.occurrence),
            ),
        )

    def _candidates(self, metadata: MetadataStore, name: str) -> list[Former]:
        if name not in self._former:
            run_id = self._last_run(metadata, name)
            found = metadata.list_parts(run_id, name) if run_id else []
            self._former[name] = [
                Former(run_id or "", part.position, part.occurrence, part.key, json.loads(part.parts), part.code)
                for part in found[:CANDIDATES]
                if part.key
            ]
        return self._former[name]

    def _last_run(self, metadata: MetadataStore, name: str) -> str | None:
        try:
            return metadata.last_run_with_step(self._pipeline, name, self._run_id)
        except NotFoundError:
            # The first commit of a run is still under way, so none of its own step runs can be found either.
            return metadata.last_run_with_step(self._pipeline, name)

    def _code(self, metadata: MetadataStore, digest: str | None) -> CodeFingerprint | None:
        if digest is None:
            return None
        if digest not in self._codes:
            self._codes[digest] = metadata.load_code(digest)
        return self._codes[digest]


def _differences(new: dict[str, Any], old: dict[str, Any]) -> int:
    """Count the arguments, files and versions that differ; code counts once."""
    count = int(new.get("code") != old.get("code")) + int(new.get("salt") != old.get("salt"))
    for part in ("arguments", "externals", "environment", "checks"):
        mine, theirs = new.get(part, {}), old.get(part, {})
        count += sum(1 for name in {*mine, *theirs} if mine.get(name) != theirs.get(name))
    return count
