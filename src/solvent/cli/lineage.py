"""`solvent lineage`: from an artifact up to its sources and down to everything made from it."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from solvent.cli.choices import add_json, open_stores
from solvent.cli.output import cut, print_json, width
from solvent.runs.words import short_type

Links = Mapping[Any, Sequence[tuple[Any, str]]]


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument(
        "what",
        metavar="WHAT",
        help="the beginning of an artifact's digest; STEP, STEP.FIELD, RUN/STEP.FIELD; or flights@7",
    )
    parser.add_argument("--all", action="store_true", dest="every", help="every making of it, not only the newest")
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    from solvent.metadata.lineage import ArtifactNode

    with open_stores() as stores:
        artifact = _find(arguments.what, stores)
        up = stores.metadata.walk_up(artifact.digest, artifact.type, every=arguments.every)
        down = stores.metadata.walk_down(artifact.digest, artifact.type)
    start = ArtifactNode(artifact.digest, artifact.type)
    if arguments.json:
        print_json(
            {"artifact": _node(start), "up": [_edge(each) for each in up], "down": [_edge(each) for each in down]}
        )
        return 0
    backward, forward = defaultdict(list), defaultdict(list)
    for edge in up:
        backward[edge.end].append((edge.start, edge.name))
    for edge in down:
        forward[edge.start].append((edge.end, edge.name))
    lines = [_words(start, ""), "", "came from", *_tree(start, backward), "", "went into", *_tree(start, forward)]
    print("\n".join(cut(line, width()) for line in lines))
    return 0


def _find(reference: str, stores: Any) -> Any:
    """Find the artifact that is meant; what is no digest is an output of the latest run."""
    from solvent.errors import NotFoundError
    from solvent.runs.references import find_output, is_output

    if is_output(reference):
        return find_output(reference, stores)
    try:
        return find_output(f"latest/{reference}", stores)
    except NotFoundError as no_output:
        try:
            return find_output(reference, stores)
        except NotFoundError as no_artifact:
            digest = len(reference) >= 4 and all(character in "0123456789abcdef" for character in reference)
            raise (no_artifact if digest else no_output) from None


def _tree(start: Any, links: Links) -> Iterator[str]:
    """Walk from link to link, deeper ones indented; what was shown already is shown with dots and not followed again."""
    if not links.get(start):
        yield "  nothing"
        return
    seen = {start}
    waiting = [(node, name, 1) for node, name in reversed(links[start])]
    while waiting:
        node, name, depth = waiting.pop()
        further = links.get(node, ())
        again = node in seen and bool(further)
        yield f"{'  ' * depth}{_words(node, name)}{' ...' if again else ''}"
        if not again:
            seen.add(node)
            waiting.extend((each, label, depth + 1) for each, label in reversed(further))


def _words(node: Any, name: str) -> str:
    """Show a node, and the argument or output as which it is linked."""
    kind = type(node).__name__
    if kind == "StepNode":
        return f"{node.step} of run {node.run_id}, call {node.position}{' (' + name + ')' if name else ''}"
    label = f"{name} = " if name else ""
    if kind == "FileNode":
        return f"source {node.path} {node.token}" if name == "source" else f"file {node.path} {node.token[:12]}"
    word = "literal" if kind == "LiteralNode" else "artifact"
    return f"{label}{word} {node.digest[:12]} {short_type(node.type)}"


def _node(node: Any) -> dict[str, Any]:
    return {"kind": type(node).__name__.removesuffix("Node").lower(), **node._asdict()}


def _edge(edge: Any) -> dict[str, Any]:
    return {"start": _node(edge.start), "end": _node(edge.end), "name": edge.name}
