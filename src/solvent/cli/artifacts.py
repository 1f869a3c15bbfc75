"""`solvent artifacts`: the outputs of a run or of all; or one artifact, and its bytes as a file."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from solvent.cli.choices import add_json, open_stores
from solvent.cli.output import format_text, print_json, table, wrapped
from solvent.cli.parsing import whole_number
from solvent.errors import NotFoundError, SolventError
from solvent.runs.words import short_type, size_text

if TYPE_CHECKING:
    from solvent.model import ArtifactRef
    from solvent.runs.stores import Stores

_SHOWN = 20


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument(
        "what",
        metavar="WHAT",
        nargs="?",
        help="a run, whose outputs are listed; or one artifact: the beginning of its digest, RUN/STEP.FIELD, or"
        " flights@7",
    )
    parser.add_argument("--limit", type=whole_number(1), default=50, metavar="N", help="how many (50)")
    parser.add_argument("--save", metavar="PATH", help="write the bytes of the artifact to a new file or folder")
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    with open_stores() as stores:
        found = _find(arguments.what, stores) if arguments.what else None
        if found is None or isinstance(found, str):
            if arguments.save:
                raise SolventError(
                    "--save writes one artifact, and this names none",
                    hint="give the beginning of its digest, or RUN/STEP.FIELD",
                )
            return _list(stores, found, arguments)
        if not arguments.save:
            return _show(found, stores, arguments.json)
        from solvent.cli.saving import save_bytes
        from solvent.runs.mend import with_bytes

        found = with_bytes(found, stores)
        save_bytes(found, stores.blobs, arguments.save)
    if arguments.json:
        print_json({**_facts(found), "saved": arguments.save})
    else:
        print(f"saved {arguments.save}: {size_text(found.size_bytes)} of {found.format}")
    return 0


def _find(reference: str, stores: Stores) -> ArtifactRef | str:
    """Find the artifact that is meant, or the id of the run."""
    from solvent.runs.references import find_output, is_output

    metadata = stores.metadata
    if is_output(reference):
        named = find_output(reference, stores)
        return metadata.find_artifact(named.digest, named.type)
    try:
        return metadata.find_run(reference).id
    except NotFoundError as no_run:
        try:
            return metadata.find_artifact(reference)
        except NotFoundError as no_artifact:
            raise (no_run if reference.startswith("latest") or "-" in reference else no_artifact) from None


def _list(stores: Stores, run_id: str | None, arguments: Namespace) -> int:
    if run_id is None and not stores.metadata.projects():
        stores.metadata.find_run("latest")  # says what to do first
    made = stores.metadata.list_artifacts(run_id, limit=arguments.limit)
    if arguments.json:
        print_json(
            [
                {**_facts(each.artifact), "step": each.by.step, "field": each.by.field, "run": each.by.run_id}
                for each in made
            ]
        )
        return 0
    rows = [
        (
            each.artifact.digest[:12],
            f"{each.by.step}{'.' + each.by.field if each.by.field else ''}",
            short_type(each.artifact.type),
            format_text(each.artifact.format, each.artifact.pickled),
            size_text(each.artifact.size_bytes),
        )
        for each in made
    ]
    heads = ("digest", "output", "type", "format", "size")
    print(table(heads, rows, stretch=2, right=(4,)) if rows else "no artifacts")
    if len(made) == arguments.limit:
        print(f"... the first {arguments.limit}; --limit shows more")
    return 0


def _facts(artifact: ArtifactRef) -> dict[str, Any]:
    return {
        "digest": artifact.digest,
        "type": artifact.type,
        "format": artifact.format,
        "size_bytes": artifact.size_bytes,
        "pickled": artifact.pickled,
        "columns": dict(artifact.identity.columns) if artifact.identity.columns else None,
        "blobs": [blob.digest for blob in artifact.all_blobs()],
    }


def _show(artifact: ArtifactRef, stores: Stores, as_json: bool) -> int:
    from solvent.metadata.datasets import versions_of
    from solvent.metadata.trust import find_writers
    from solvent.runs.drop import is_dropped

    metadata: Any = stores.metadata
    dropped = is_dropped(stores, artifact)
    makers = metadata.producers(artifact.digest, artifact.type)
    writers = find_writers(metadata, artifact.digest, artifact.type)
    takers = metadata.consumers(artifact.digest, artifact.type)
    tags = [each.tag for each in metadata.tags("artifact", artifact.digest)]
    notes = [each.text for each in metadata.notes("artifact", artifact.digest)]
    versions = [f"{each.dataset}@{each.number}" for each in versions_of(metadata, artifact.digest)]
    if as_json:
        lists = {"producers": makers, "consumers": takers, "writers": writers}
        told = {name: [each._asdict() for each in found] for name, found in lists.items()}
        print_json({**_facts(artifact), **told, "dropped": dropped, "datasets": versions, "tags": tags, "notes": notes})
        return 0
    lines = [f"artifact {artifact.digest}"]
    lines += wrapped("type", short_type(artifact.type))
    lines += wrapped("format", artifact.format + (" (PICKLE: reading it runs code)" if artifact.pickled else ""))
    lines += wrapped("size", f"{size_text(artifact.size_bytes)}, {_where(artifact)}")
    lines += wrapped("bytes", "dropped, made again when they are asked for" if dropped else "")
    if artifact.identity.columns:
        lines += wrapped("columns", ", ".join(map(str, artifact.identity.columns)))
    lines += _events(
        "made by",
        (f"{each.step}{'.' + each.field if each.field else ''} of run {each.run_id}" for each in makers),
    )
    lines += wrapped("dataset", ", ".join(versions))
    lines += _events("writer", (_writer(each) for each in writers))
    lines += _events("taken by", (f"{each.step} as `{each.argument}` in run {each.run_id}" for each in takers))
    lines += wrapped("tags", ", ".join(tags))
    for note in notes:
        lines += wrapped("note", note)
    print("\n".join(lines))
    return 0


def _writer(each: Any) -> str:
    copied = f", copied from {each.origin}" if each.origin else ""
    return f"{each.user} on {each.host}, project {each.project or '-'}{copied}"


def _events(label: str, texts: Iterable[str]) -> list[str]:
    """Show each text once, with the number of calls, and only the newest of many."""
    counts = Counter(texts)
    shown = [text if number == 1 else f"{text}, {number} calls" for text, number in list(counts.items())[:_SHOWN]]
    more = len(counts) - len(shown)
    lines = [line for text in shown for line in wrapped(label, text)]
    return [*lines, *(wrapped("", f"and {more} more") if more else ())]


def _where(artifact: ArtifactRef) -> str:
    count = sum(1 for _ in artifact.all_blobs())
    return f"{count} blob{'s' if count > 1 else ''}" if count else "kept in the metadata store"
