"""Where an artifact came from and what came of it, as a list of edges.

The walk goes from execution to execution by what each input says of its producer, so that two steps which happen to
give equal values are not mixed up. A reused step run counts as the execution that it reuses.
"""

# Annotations are evaluated here, see `solvent.metadata.answers`.
import json
from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple

from solvent.metadata.artifacts import ArtifactQueries


class ArtifactNode(NamedTuple):
    """An artifact in a lineage."""

    digest: str
    type: str


class LiteralNode(NamedTuple):
    """A value that came from the pipeline's body or config, not from a step."""

    digest: str
    type: str


class StepNode(NamedTuple):
    """An executed step run in a lineage."""

    run_id: str
    position: int
    step: str


class FileNode(NamedTuple):
    """A file, folder or shared source that a step was given or opened. `token` is the digest of what was in it."""

    path: str
    token: str


Node = ArtifactNode | LiteralNode | StepNode | FileNode


class Edge(NamedTuple):
    """One step of a lineage, in the direction in which the data went.

    `name` is the argument where something goes into a step run, and the field where an artifact comes out of one.
    """

    start: Node
    end: Node
    name: str


_EXECUTION = (
    "SELECT e.run_id, e.position, e.name FROM step_runs s JOIN step_runs e"
    " ON e.run_id = COALESCE(s.source_run, s.run_id) AND e.position = COALESCE(s.source_position, s.position)"
    " WHERE s.run_id = ? AND s.position = ?"
)
_INPUTS = (
    "SELECT name, digest, type, from_run, from_position, from_field FROM inputs WHERE run_id = ? AND position = ?"
    " ORDER BY ordinal"
)
_OUTPUTS = "SELECT field, digest, type FROM outputs WHERE run_id = ? AND position = ? ORDER BY ordinal"
_FILES = (
    "SELECT kind, subject, token FROM observations WHERE run_id = ? AND position = ?"
    " AND kind IN ('file', 'folder', 'source') AND token <> 'absent' ORDER BY ordinal"
)
_PARTS = "SELECT parts FROM step_runs WHERE run_id = ? AND position = ?"
# Whoever took something from this execution, by its own name or by that of a step run which reuses it.
_TAKERS = """
SELECT DISTINCT e.run_id, e.position, e.name, i.name, i.digest, i.type, i.from_field, e.finished_at
FROM (
    SELECT run_id, position FROM step_runs WHERE run_id = ? AND position = ?
    UNION
    SELECT run_id, position FROM step_runs WHERE source_run = ? AND source_position = ?
) AS p
JOIN inputs i ON i.from_run = p.run_id AND i.from_position = p.position
JOIN step_runs c ON c.run_id = i.run_id AND c.position = i.position
JOIN step_runs e ON e.run_id = COALESCE(c.source_run, c.run_id) AND e.position = COALESCE(c.source_position, c.position)
ORDER BY e.finished_at, e.run_id, e.position, i.name
"""


class Lineage(ArtifactQueries):
    """The walks up and down a metadata store."""

    def walk_up(self, digest: str, type: str, *, every: bool = False) -> list[Edge]:
        """List the edges from the sources to this artifact, nearest first.

        An artifact made several times comes from its newest making, unless `every` of them is asked for.
        """
        edges: dict[Edge, None] = {}
        with self.reading():
            makings = self.producers(digest, type)
            first = [StepNode(*each[:3]) for each in makings]
            for step, making in zip(first, makings, strict=True):
                edges[Edge(step, ArtifactNode(digest, type), making.field)] = None
                if not every:
                    break
            self._spread(first if every else first[:1], edges, self._came_from)
        return list(edges)

    def walk_down(self, digest: str, type: str) -> list[Edge]:
        """List the edges from this artifact to every step run that depends on it and all that these made."""
        edges: dict[Edge, None] = {}
        with self.reading():
            takers: dict[StepNode, None] = {}
            for making in self.producers(digest, type):
                for taker, name, taken in self._takers(making.run_id, making.position):
                    if taken == (digest, type):
                        edges[Edge(ArtifactNode(digest, type), taker, name)] = None
                        takers[taker] = None
            self._spread(list(takers), edges, self._led_to)
        return list(edges)

    def _spread(self, first: list[StepNode], edges: dict[Edge, None], follow: Any) -> None:
        """Go on from step run to step run until nothing new is met: circles end too."""
        waiting = deque(first)
        met = set(first)
        while waiting:
            found, onward = follow(waiting.popleft())
            edges.update(dict.fromkeys(found))
            for step in onward:
                if step not in met:
                    met.add(step)
                    waiting.append(step)

    def _came_from(self, step: StepNode) -> tuple[list[Edge], list[StepNode]]:
        edges = [Edge(FileNode(path, token), step, name) for path, token, name in self._files(step)]
        onward = []
        for name, digest, type_name, from_run, from_position, field in self.rows(_INPUTS, step[:2]):
            if from_run is None:
                edges.append(Edge(LiteralNode(digest, type_name), step, name))
                continue
            artifact = ArtifactNode(digest, type_name)
            edges.append(Edge(artifact, step, name))
            found = self.row(_EXECUTION, (from_run, from_position))
            if found:
                producer = StepNode(*found)
                edges.append(Edge(producer, artifact, field or ""))
                onward.append(producer)
        return edges, onward

    def _led_to(self, step: StepNode) -> tuple[list[Edge], list[StepNode]]:
        made = [(field, ArtifactNode(*artifact)) for field, *artifact in self.rows(_OUTPUTS, step[:2])]
        edges = [Edge(step, artifact, field) for field, artifact in made]
        onward = []
        for taker, name, taken in self._takers(step.run_id, step.position):
            edges.append(Edge(ArtifactNode(*taken), taker, name))
            onward.append(taker)
        return edges, onward

    def _takers(self, run_id: str, position: int) -> Iterable[tuple[StepNode, str, tuple[str, str]]]:
        for row in self.rows(_TAKERS, (run_id, position, run_id, position)):
            yield StepNode(*row[:3]), row[3], (row[4], row[5])

    def _files(self, step: StepNode) -> list[tuple[str, str, str]]:
        """Give what a step run read of files: those that it was given, then those that it opened besides."""
        row = self.row(_PARTS, step[:2])
        externals = json.loads(row[0]).get("externals") if row else None
        given = [(path, str(token), "") for path, token in externals.items()] if isinstance(externals, dict) else []
        opened = [(subject, token, kind) for kind, subject, token in self.rows(_FILES, step[:2])]
        return given + opened
