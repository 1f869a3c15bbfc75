"""`solvent artifacts`: the outputs of a run, or one artifact."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from solvent.cli.choices import add_json, open_stores
from solvent.cli.output import moment, print_json, table, wrapped
from solvent.runs.words import short_type, size_text


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument(
        "what", metavar="RUN or DIGEST", nargs="?", help="a run, or the beginning of an artifact's digest"
    )
    parser.add_argument("--limit", type=int, default=50, metavar="N", help="how many (50)")
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    from solvent.errors import NotFoundError

    with open_stores() as stores:
        metadata = stores.metadata
        run_id = None
        if arguments.what:
            try:
                run_id = metadata.find_run(arguments.what).id
            except NotFoundError:
                return _show(metadata.find_artifact(arguments.what), metadata, arguments.json)
        made = metadata.list_artifacts(run_id, limit=arguments.limit)
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
            each.artifact.format + (" PICKLE" if each.artifact.pickled and each.artifact.format != "pickle" else ""),
            size_text(each.artifact.size_bytes),
        )
        for each in made
    ]
    print(
        table(("digest", "output", "type", "format", "size"), rows, stretch=2, right=(4,)) if rows else "no artifacts"
    )
    return 0


def _facts(artifact: Any) -> dict[str, Any]:
    return {
        "digest": artifact.digest,
        "type": artifact.type,
        "format": artifact.format,
        "size_bytes": artifact.size_bytes,
        "pickled": artifact.pickled,
        "columns": dict(artifact.identity.columns) if artifact.identity.columns else None,
        "blobs": [blob.digest for blob in artifact.all_blobs()],
    }


def _show(artifact: Any, metadata: Any, as_json: bool) -> int:
    makers = metadata.producers(artifact.digest, artifact.type)
    takers = metadata.consumers(artifact.digest, artifact.type)
    if as_json:
        made, taken = [each._asdict() for each in makers], [each._asdict() for each in takers]
        print_json({**_facts(artifact), "producers": made, "consumers": taken})
        return 0
    lines = [f"artifact {artifact.digest}"]
    lines += wrapped("type", short_type(artifact.type))
    lines += wrapped("format", artifact.format + (" (reading it runs pickle)" if artifact.pickled else ""))
    lines += wrapped("size", size_text(artifact.size_bytes))
    if artifact.identity.columns:
        lines += wrapped("columns", ", ".join(map(str, artifact.identity.columns)))
    for each in makers:
        field = f".{each.field}" if each.field else ""
        lines += wrapped("made by", f"{each.step}{field} of run {each.run_id}, {moment(each.finished_at)}")
    for each in takers:
        lines += wrapped("taken by", f"{each.step} as `{each.argument}` in run {each.run_id}")
    print("\n".join(lines))
    return 0
