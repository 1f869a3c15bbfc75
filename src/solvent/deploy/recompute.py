"""Logged requests through the slice once more, in a process of its own: what was answered is what is answered offline."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from solvent.deploy.differences import distance, shown
from solvent.deploy.requests import ID, ROW, answer_name
from solvent.deploy.served import own_environment
from solvent.errors import BundleError
from solvent.serving.tables import plain_columns, to_columns

if TYPE_CHECKING:
    import pyarrow as pa

    from solvent.serving.manifest import Manifest

ROWS = 10_000
"""So many rows are recomputed, spread evenly over the window: a skew is in all of them or shows in many."""
TOLD = 5


@dataclass(frozen=True)
class Different:
    """A row that is answered otherwise now: the request and its row, the column of the answer, and both values as text."""

    request: str
    row: int
    column: str
    answered: str
    recomputed: str


@dataclass(frozen=True)
class Parity:
    """Logged answers beside recomputed ones: `rows` were compared, `different` of them differ, the first few in `told`.

    `largest` is the largest difference of two numbers. `problem` says why nothing could be compared.
    """

    rows: int = 0
    different: int = 0
    largest: float = 0.0
    told: tuple[Different, ...] = ()
    problem: str = ""

    @property
    def ok(self) -> bool:
        return not self.different and not self.problem


def check_parity(folder: str, manifest: Manifest, table: pa.Table) -> Parity:
    """Recompute the answers of a table of requests with the bundle in `folder`, and compare within its tolerance."""
    lacking = [each.name for each in manifest.request.columns if each.name not in table.column_names]
    if lacking:
        return Parity(problem=f"not logged, so that nothing can be recomputed: {', '.join(lacking[:5])}")
    if not table.num_rows:
        return Parity()
    table = _spread(table)
    columns = to_columns(table.select(manifest.request.names), manifest.request.names)
    answers = recompute(folder, columns)
    names = {each.name: answer_name(each.name, list(columns)) for each in manifest.response.columns}
    found: list[Different] = []
    different: set[int] = set()
    largest = 0.0
    for name, column in names.items():
        logged = plain_columns(table.select([column]), [column])[0]
        for row, (one, other) in enumerate(zip(logged, answers[name], strict=True)):
            size = distance(one, other)
            largest = max(largest, size if size != float("inf") else 0.0)
            if size > manifest.tolerance:
                different.add(row)
                place = table[ID][row].as_py(), table[ROW][row].as_py()
                found.append(Different(*place, column, shown(one), shown(other)))
    return Parity(table.num_rows, len(different), largest, tuple(found[:TOLD]))


def _spread(table: pa.Table) -> pa.Table:
    if table.num_rows <= ROWS:
        return table
    return table.take([at * table.num_rows // ROWS for at in range(ROWS)])


def recompute(folder: str, columns: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """Answer columns with a bundle, in a process that has nothing of this one; BundleError with its last words."""
    code = "from solvent.deploy.recompute import main; main()"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, os.path.abspath(folder)],
        input=json.dumps(columns, default=str),
        capture_output=True,
        text=True,
        env=own_environment(),
        check=False,
    )
    if done.returncode:
        words = done.stderr.strip().splitlines()
        raise BundleError("logged requests can't be recomputed", where=folder, hint=words[-1] if words else None)
    found: dict[str, list[Any]] = json.loads(done.stdout)
    return found


def main() -> None:
    """Answer the columns on standard input with the bundle in the folder that is named."""
    from solvent.serving.environment import open_fitting
    from solvent.serving.program import Program
    from solvent.serving.wire import Codec

    output, sys.stdout = sys.stdout, sys.stderr
    program = Program(open_fitting(sys.argv[1]))
    manifest = program.bundle.manifest
    codec = Codec(manifest.request, manifest.response, find=program.code.find)
    asked = json.load(sys.stdin)
    decoded = codec.decode_columns([asked[name] for name in manifest.request.names])
    json.dump(codec.answers.columns(program.run(decoded.value), decoded.rows), output, default=str)
