"""`solvent lineage`: from an artifact up to its sources and down to everything made from it."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections import defaultdict
from typing import Any

from solvent.cli.choices import add_json, open_stores
from solvent.cli.output import cut, print_json, width
from solvent.runs.words import short_type


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument("what", metavar="DIGEST or [RUN/]STEP[.FIELD]", help="an artifact or an output")
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    from solvent.errors import NotFoundError
    from solvent.runs.references import find_output

    with open_stores() as stores:
        try:
            artifact = find_output(arguments.what, stores)
        except NotFoundError:
            if "/" in arguments.what:
                raise
            artifact = find_output(f"latest/{arguments.what}", stores)
        up = stores.metadata.walk_up(artifact.digest, artifact.type)
        down = stores.metadata.walk_down(artifact.digest, artifact.type)
    if arguments.json:
        print_json({"up": [_edge(each) for each in up], "down": [_edge(each) for each in down]})
        return 0
    start = next((e.end for e in up if getattr(e.end, "digest", None) == artifact.digest), None) or down[0].start
    backward, forward = defaultdict(list), defaultdict(list)
    for edge in up:
        backward[edge.end].append((edge.start, edge.name))
    for edge in down:
        forward[edge.start].append((edge.end, edge.name))
    print(f"{_words(start)}\n\ncame from")
    print("\n".join(_tree(start, backward, "  ", set())) or "  nothing recorded")
    print("\nwent into")
    print("\n".join(_tree(start, forward, "  ", set())) or "  nothing yet")
    return 0


def _tree(node: Any, edges: dict[Any, list[Any]], indent: str, seen: set[Any]) -> list[str]:
    lines = []
    for other, name in edges.get(node, ()):
        again = other in seen
        label = f" ({name})" if name else ""
        lines.append(cut(f"{indent}{_words(other)}{label}{' ...' if again else ''}", width()))
        if not again:
            seen.add(other)
            lines += _tree(other, edges, indent + "  ", seen)
    return lines


def _words(node: Any) -> str:
    kind = type(node).__name__
    if kind == "StepNode":
        return f"{node.step} of run {node.run_id}, call {node.position}"
    if kind == "FileNode":
        return f"file {node.path} {node.token[:12]}"
    word = "value" if kind == "LiteralNode" else "artifact"
    return f"{word} {node.digest[:12]} {short_type(node.type)}"


def _edge(edge: Any) -> dict[str, Any]:
    def node(each: Any) -> dict[str, Any]:
        return {"kind": type(each).__name__.removesuffix("Node").lower(), **each._asdict()}

    return {"start": node(edge.start), "end": node(edge.end), "name": edge.name}
