"""A bundle applied to a table of any size: the same slice as the endpoint's, in batches, as a recorded run."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from solvent.deploy.rows import Request, RequestMaker, ResponseTables
from solvent.errors import DataError, NotFoundError, nearest
from solvent.pipelines.context import log
from solvent.pipelines.files import File, Folder
from solvent.pipelines.pipeline import pipeline
from solvent.pipelines.step import step
from solvent.runs.witness import quietly
from solvent.serving.environment import open_fitting
from solvent.serving.folder import MANIFEST, open_bundle
from solvent.serving.program import Program
from solvent.serving.refusals import Problem, row_of

if TYPE_CHECKING:
    import pyarrow as pa

    from solvent.config.project import Project
    from solvent.runs.stores import Stores

BATCH_ROWS = 8192
TOLD = 5
"""So many bad rows are told one by one."""


class Scored(NamedTuple):
    """`rows` has the kept columns and the predictions; `refused` the row (from 0), column and problem of what had none."""

    rows: Any
    refused: Any


@dataclass(frozen=True)
class Scoring:
    """What to score: `rows` is the name of a source of the catalogue, a File, or a dataset version ("flights@7").

    `bundle` is the folder of the bundle and `model` what people call it; `keep` are columns to carry over. With `skip_bad`
    bad rows are put aside; else they fail the run. `dataset` names the scored rows.
    """

    bundle: Folder
    model: str
    source: str = ""
    file: File | None = None
    version: str = ""
    keep: tuple[str, ...] = ()
    skip_bad: bool = False
    batch_rows: int = BATCH_ROWS
    dataset: str = ""


@pipeline
def score(config: Scoring) -> Any:
    """Score the rows, and give them with their predictions."""
    rows: Any = config.file or config.source
    if config.version:
        rows = read_version(config.version)
    apply = score_rows if not config.dataset else step(name="score", dataset={"rows": config.dataset})(_score_rows)
    return apply(config.bundle, config.model, rows, config.keep, config.skip_bad, config.batch_rows).rows


@step
def read_version(version: str) -> Any:
    """Give a dataset version, named by its number or digest: what it means never changes."""
    from solvent.runs.api import load

    return load(version)


def _score_rows(bundle: Folder, model: str, rows: Any, keep: Sequence[str], skip_bad: bool, batch_rows: int) -> Scored:
    """Apply a bundle to rows; `model` is on record with it."""
    # What is looked at to load it is no input of its own: the bundle is one.
    program = quietly(lambda: Program(open_fitting(str(bundle))))
    opened = program.bundle
    given = _Rows(rows, batch_rows)
    maker = RequestMaker(opened.manifest.request, given.schema.names, given.name, program.code.find)
    responses = ResponseTables(opened.manifest.response)
    kept = _kept(given.schema, keep, responses.names, given.name)
    problems: list[Problem] = []
    with _growing(_joined(kept, responses.schema)) as table:
        for first, batch in given:
            request = maker.make(batch)
            problems += _bad(request, first, given.name, skip_bad)
            if len(request.rows):
                answer = quietly(partial(program.run, request.value))
                table.add(_carried(batch, request, kept), responses.make(answer, len(request.rows)))
        scored = table.done()
    log.metric("rows", given.count)
    log.metric("scored", scored.num_rows)
    log.metric("refused", given.count - scored.num_rows)
    return Scored(scored, _refused(problems))


score_rows = step(name="score")(_score_rows)


class _Rows:
    """The rows to score, whatever they are in: `schema` is theirs, iterating gives the first row and the batch."""

    def __init__(self, rows: Any, batch_rows: int) -> None:
        self.name, self.schema, self._batches = _opened(rows)
        self._batch_rows = batch_rows
        self.count = 0

    def __iter__(self) -> Iterator[tuple[int, pa.RecordBatch]]:
        for batch in self._batches:
            for start in range(0, batch.num_rows, self._batch_rows):
                piece = batch.slice(start, self._batch_rows)
                yield self.count, piece
                self.count += piece.num_rows


def _opened(rows: Any) -> tuple[str, pa.Schema, Any]:
    if isinstance(rows, File):
        from solvent.sources.catalogue import Entry
        from solvent.sources.places import format_of
        from solvent.sources.tables import open_files

        entry = Entry(rows.name, str(rows), None, {}, {}, (), None, "", "", "", "")
        path = os.path.abspath(rows)
        data = open_files(entry, format_of(entry, rows.name), [path], os.path.dirname(path))
        return rows.name, data.schema, data.batches(None, None, 65_536)
    if isinstance(rows, str):
        from solvent.sources.batches import Batches
        from solvent.sources.handle import source

        batches = source(rows, Batches)
        return f"source `{rows}`", batches.schema, batches
    from solvent.profiles.rows import as_arrow

    table = as_arrow(rows)
    if table is None:
        raise DataError(f"a {type(rows).__name__} has no rows to score", hint="name a dataset of tables")
    return "the dataset", table.schema, table.to_batches()


def _kept(schema: pa.Schema, keep: Sequence[str], answers: Sequence[str], where: str) -> pa.Schema:
    import pyarrow as pa

    for name in keep:
        if name not in schema.names:
            raise DataError(f"{where} has no column {name!r} to keep{nearest(name, schema.names)}")
        if name in answers:
            raise DataError(f"the column {name!r} can't be kept: the model answers one of that name")
    return pa.schema([schema.field(name) for name in keep])


def _joined(*schemas: pa.Schema) -> pa.Schema:
    import pyarrow as pa

    return pa.schema([field for schema in schemas for field in schema])


def _bad(request: Request, first: int, name: str, skip_bad: bool) -> list[Problem]:
    found = sorted((each._replace(row=(each.row or 0) + first) for each in request.problems), key=row_of)
    if found and not skip_bad:
        told = "; ".join(f"row {each.row}, {each.column}: {each.problem}" for each in found[:TOLD])
        raise DataError(
            f"{name}: {told}{'; ...' if len(found) > TOLD else ''}",
            hint="the endpoint would refuse these rows too; `--skip-bad` puts them aside and scores the others",
        )
    return found


def _carried(batch: pa.RecordBatch, request: Request, kept: pa.Schema) -> Mapping[str, Any]:
    rows = None if len(request.rows) == batch.num_rows else request.rows
    found = {name: batch.column(batch.schema.get_field_index(name)) for name in kept.names}
    return found if rows is None else {name: values.take(list(rows)) for name, values in found.items()}


def _refused(problems: Sequence[Problem]) -> pa.Table:
    import pyarrow as pa

    schema = pa.schema([("row", pa.int64()), ("column", pa.string()), ("problem", pa.string())])
    return pa.Table.from_pylist([each._asdict() for each in problems], schema)


class _Growing:
    """A table that grows in a file, so that it takes no memory of its own; `done` gives it, mapped."""

    def __init__(self, schema: pa.Schema, path: str) -> None:
        import pyarrow as pa

        self._schema = schema
        self._path = path
        self._writer = pa.ipc.new_file(path, schema)

    def add(self, carried: Mapping[str, Any], answers: pa.Table) -> None:
        import pyarrow as pa

        columns = [*carried.values(), *(each.combine_chunks() for each in answers.columns)]
        self._writer.write_table(pa.table(columns, schema=self._schema))

    def done(self) -> pa.Table:
        import pyarrow as pa

        self._writer.close()
        return pa.ipc.open_file(pa.memory_map(self._path)).read_all()


@contextmanager
def _growing(schema: pa.Schema) -> Iterator[_Growing]:
    """Give a table to add to. Its file is gone afterwards; a mapping keeps its bytes as long as it is used."""
    from solvent.config.project import Project

    folder = os.path.join(quietly(Project.find).home, "tmp")
    descriptor, path = tempfile.mkstemp(".arrow", "score-", folder if os.path.isdir(folder) else None)
    os.close(descriptor)
    try:
        yield _Growing(schema, path)
    finally:
        # Where a mapped file can't be removed, clean-ups take what is old in the folder.
        with suppress(OSError):
            os.unlink(path)


def scoring_of(model: str, rows: str, project: Project, **options: Any) -> Scoring:
    """Find what a person means: the model by version, alias or folder, the rows by file, dataset version or source."""
    from solvent.fingerprint.files import nearest_file
    from solvent.sources.catalogue import guess_format

    folder, label = find_bundle(model, project)
    given = {name: value for name, value in options.items() if value is not None}
    if "@" in rows:
        from solvent.runs.datasets import find_version
        from solvent.runs.stores import Stores

        with Stores(project, create=False) as stores:
            version = find_version(rows, stores)
            given["version"] = f"{version.project}/{version.name}@{version.digest}"
    elif os.path.isfile(rows) or guess_format(rows) in ("csv", "jsonl", "parquet", "arrow"):
        if not os.path.isfile(rows):
            raise NotFoundError(f"there is no file {rows}", hint=nearest_file(rows))
        given["file"] = File(rows)
    else:
        given["source"] = rows
    return Scoring(Folder(folder), label, **given)


def read_rows(rows: str, stores: Stores) -> pa.Table:
    """Read all of a file, dataset version or source, for nobody's record."""
    import pyarrow as pa

    given: Any = rows
    if "@" in rows:
        from solvent.runs.datasets import find_version

        given = find_version(rows, stores).value()
    elif os.path.isfile(rows):
        given = File(rows)
    _, schema, batches = _opened(given)
    return pa.Table.from_batches(list(batches), schema)


def find_bundle(model: str, project: Project) -> tuple[str, str]:
    """Give the folder of a bundle and what people call it: a version of the registry, or a folder."""
    if os.path.isfile(os.path.join(model, MANIFEST)):
        opened = open_bundle(model)
        return os.path.abspath(model), f"{opened.manifest.endpoint} {opened.digest[:12]}"
    if os.sep in model or os.path.isdir(model):
        raise NotFoundError(f"no bundle at {model}", hint="`solvent bundle NAME -o FOLDER` writes one")
    from solvent.deploy.registry import find_model, materialise
    from solvent.runs.stores import Stores

    with Stores(project, create=False) as stores:
        version = find_model(model, stores)
        return materialise(version, stores), version.label
