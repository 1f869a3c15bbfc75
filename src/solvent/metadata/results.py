"""Which artifacts the stored result of a run names: no row of a step run does, where the body made them itself."""

from __future__ import annotations

import json
from collections.abc import Iterator

Name = tuple[str, str]
"""The digest and type that name an artifact."""


def artifacts_of_result(text: str | None) -> Iterator[Name]:
    """Give the name of each artifact that a result names."""
    waiting = [json.loads(text)] if text and '"artifact"' in text else []
    while waiting:
        tree = waiting.pop()
        if isinstance(tree, dict):
            for kind, held in tree.items():
                if kind == "artifact":
                    yield held[0], held[1]
                else:
                    waiting.append(held)
        elif isinstance(tree, list):
            waiting.extend(tree)
