"""Leaks of a run: what the splits found between their parts, and what was learned from rows that are in a test part."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from solvent.model import Finding
from solvent.runs.dataflow import Flow, Learned, Node, Split, find_learned, is_part, side_of, whole_types
from solvent.runs.learning import find_learning

if TYPE_CHECKING:
    from solvent.runs.stores import Stores

_RECORD = "solvent.profiles.records:SplitRecord"
_TEXTS = ("builtins:str", "builtins:NoneType")
BEFORE, TESTED = "fitted before the split", "fitted on test rows"
_MAIN_SHARE = 0.5
"""What has fewer rows than this share of the split's is a table that was joined to it, not the rows themselves."""


def find_leaks_of_run(stores: Stores, run_id: str) -> list[Finding]:
    """Tell what the split records of a run say, then what its lineage says of each split."""
    flow = Flow(stores, run_id)
    return [*_recorded(flow, stores), *_Lineage(flow).find()]


def _recorded(flow: Flow, stores: Stores) -> Iterator[Finding]:
    """Give the findings of the split records and of `check_leakage`, each about the step that found it."""
    from solvent.artifacts.saving import load

    for position, step in flow.steps.items():
        for artifact in flow.outputs(position).values():
            if artifact.type == _RECORD:
                found = load(artifact, stores.blobs).findings
            elif step.name == "check_leakage" and artifact.format in ("json", "collection"):
                found = [each for each in load(artifact, stores.blobs) if isinstance(each, Finding)]
            else:
                continue
            for kind, severity, _, message, fix, detail in found:
                yield Finding(kind, severity, flow.label(position), message, fix, detail)


class _Lineage:
    """Follows the rows of each split through a run."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        types = whole_types(flow.steps.values())
        self._records = {
            position for position in flow.steps if any(each.type == _RECORD for each in flow.outputs(position).values())
        }
        self._learned = {
            position: found
            for position in flow.steps
            if position not in flow.splits
            and flow.rows_taken(position)
            and (found := find_learned(flow, position, types))
        }

    def find(self) -> Iterator[Finding]:
        told: set[int] = set()
        for split in self._flow.splits.values():
            taken = [node for nodes in self._flow.rows_taken(split.position) for node in nodes]
            above = self._flow.above(taken, self._flow.splits)
            if any(is_part(node, self._flow.splits) for node in above):
                continue  # a split of a train part, whose test part is for choosing
            main = {node for node in above if self._is_main(node, taken)}
            sides = self._follow(split, main)
            for position, found in self._learned.items():
                finding = self._judge(split, position, found, sides, above)
                if finding is not None and position not in told:
                    told.add(position)
                    yield finding
            for position in sorted({split.position, *(node.position for node in main)} - told):
                finding = self._read(split, position)
                if finding is not None:
                    told.add(position)
                    yield finding

    def _read(self, split: Split, position: int) -> Finding | None:
        """Read in the code of a step on the way to the split whether it changes rows by what it learns from all of them."""
        flow, code = self._flow, self._flow.code(position)
        if code is None or position in self._records:
            return None
        found = sorted(find_learning(code, before_split=position == split.position), key=lambda each: not each.certain)
        if not found:
            return None
        own, cut = flow.label(position), flow.label(split.position)
        path = " -> ".join([*self._between(Node(position, ""), position), *([cut] if own != cut else [])])
        rows = "all rows before it splits them" if own == cut else f"rows that {cut} had still to split"
        return Finding(
            BEFORE,
            "alert" if found[0].certain else "warn",
            own,
            f"{own} {found[0].words} on {rows} ({found[0].place}): {path}",
            f"split first, and let a step after it learn from the train part alone ({cut_words(flow, split)})",
            json.dumps({"learned": own, "split": cut, "place": found[0].place}, sort_keys=True),
        )

    def _is_main(self, node: Node, taken: Sequence[Node]) -> bool:
        rows, own = [self._flow.row_count(each) for each in taken], self._flow.row_count(node)
        known = [each for each in rows if each is not None]
        return own is None or not known or own >= _MAIN_SHARE * max(known)

    def _follow(self, split: Split, main: set[Node]) -> dict[Node, frozenset[str]]:
        """Give for each value with rows which sides of a split they are from; "all" where they are from what was split."""
        flow = self._flow
        sides: dict[Node, frozenset[str]] = {node: frozenset({"all"}) for node in main}
        for position in flow.steps:
            taken: frozenset[str] = frozenset().union(
                *(sides.get(node, frozenset()) for nodes in flow.rows_taken(position) for node in nodes)
            )
            for field in flow.outputs(position):
                node = Node(position, field)
                if position == split.position:
                    if field in split.sides:
                        sides[node] = frozenset({split.sides[field]})
                elif flow.has_rows(node) and node not in main:
                    sides[node] = self._side(node, taken)
        return sides

    def _side(self, node: Node, taken: frozenset[str]) -> frozenset[str]:
        named = side_of(node.field)
        parts = taken - {"all"}
        if named is not None and {"train", "test"} <= parts:
            return frozenset({named})
        if is_part(node, self._flow.splits) and not parts:
            return frozenset()
        return parts or taken

    def _judge(
        self, split: Split, position: int, found: list[Learned], sides: dict[Node, frozenset[str]], above: set[Node]
    ) -> Finding | None:
        source, kind = self._source(split, position, sides)
        for learned in found if source is not None else ():
            used = self._use(learned, sides, kind)
            if used is not None:
                return self._tell(kind, learned, source, split, used, f"{side_words(sides, used[1])}")
        for learned in found:
            used = self._use_before(learned, position, above)
            if used is not None:
                return self._tell(BEFORE, learned, used[1], split, used, "what was split")
        return None

    def _source(self, split: Split, position: int, sides: dict[Node, frozenset[str]]) -> tuple[Node | None, str]:
        """Give the rows that a step learned from, if it should not have: those before the split, or of test alone."""
        arguments = [
            (nodes, frozenset().union(*(sides.get(node, frozenset()) for node in nodes)))
            for nodes in self._flow.rows_taken(position)
        ]
        indexed = any(self._flow.is_index(Node(split.position, field)) for field in split.sides)
        takes_part = any(found - {"all"} for _, found in arguments)
        for nodes, found in arguments:
            if "all" in found and not (indexed and takes_part):
                return nodes[0], BEFORE
        apart = any("train" in found and ("test" not in found or len(nodes) > 1) for nodes, found in arguments)
        for nodes, found in arguments:
            if "test" in found and not apart:
                return nodes[0], TESTED
        return None, ""

    def _use(self, learned: Learned, sides: dict[Node, frozenset[str]], kind: str) -> tuple[int, Node] | None:
        """Find the step that uses something learned together with a part of the split."""
        for position in self._takers(learned):
            for nodes in self._flow.rows_taken(position):
                for node in nodes:
                    found = sides.get(node, frozenset()) - {"all"}
                    own = node.position == learned.node.position
                    if not found or own or not self._is_rows(node):
                        continue
                    if self._changes(position, node) or (learned.certain and not self._only_tells(position)):
                        return position, node
        return None

    def _use_before(self, learned: Learned, position: int, above: set[Node]) -> tuple[int, Node] | None:
        """Find the step that uses something learned to make what is split, from rows that it was learned from."""
        flow = self._flow
        beside = [node for field in flow.outputs(position) if (node := Node(position, field)) in above]
        if learned.certain and beside and not any(map(flow.passes_on, beside)):
            return position, flow.rows_taken(position)[0][0]
        origins = flow.above((node for nodes in flow.rows_taken(position) for node in nodes), flow.splits)
        for taker in self._takers(learned):
            made = [node for field in flow.outputs(taker) if (node := Node(taker, field)) in above]
            if not made or all(map(flow.passes_on, made)):
                continue
            for nodes in flow.rows_taken(taker):
                for node in nodes:
                    whole = flow.above([node], flow.splits)
                    if whole & origins and learned.node not in whole:
                        return taker, node
        return None

    def _takers(self, learned: Learned) -> Iterator[int]:
        """Give the steps that took something learned, by itself or in something that was made of it without any rows."""
        flow = self._flow
        waiting, known = [learned.node], {learned.node.position}
        while waiting:
            node = waiting.pop()
            for position in flow.takers(node):
                if position not in known:
                    known.add(position)
                    yield position
                    if not flow.rows_taken(position):
                        waiting.append(Node(position, ""))

    def _changes(self, position: int, node: Node) -> bool:
        """Whether a step makes of the rows of a part, or at least of half as many, other rows or a model."""
        flow = self._flow
        part = flow.row_count(node)
        for field in flow.outputs(position):
            made = Node(position, field)
            if flow.has_rows(made):
                rows = flow.row_count(made)
                enough = part is None or rows is None or rows >= part / 2
                if enough and not flow.passes_on(made):
                    return True
            elif any(each.certain and each.node == made for each in self._learned.get(position, ())):
                return True
        return False

    def _only_tells(self, position: int) -> bool:
        """Whether a step gives nothing but a text, such as a report or the place of a published model."""
        return all(each.type in _TEXTS for each in self._flow.outputs(position).values())

    def _is_rows(self, node: Node) -> bool:
        """Whether a value has the rows of a part, not a summary of them."""
        return not any(each.node == node and not each.certain for each in self._learned.get(node.position, ()))

    def _tell(
        self, kind: str, learned: Learned, source: Node | None, split: Split, used: tuple[int, Node], part: str
    ) -> Finding:
        flow, position = self._flow, learned.node.position
        origin = flow.label(source.position) if source is not None else "?"
        fit, cut, use = flow.label(position), flow.label(split.position), flow.label(used[0])
        rows = "of test" if kind == TESTED else f"that {cut} had still to split"
        path = " -> ".join([*self._between(source, position), fit, use])
        message = f"{fit} learned its {learned.name} from rows {rows}, and {use} uses it with {part}: {path}"
        detail: dict[str, Any] = {"learned": fit, "from": origin, "split": cut, "used": use, "part": part}
        return Finding(
            kind,
            "alert" if learned.certain else "warn",
            fit,
            message,
            f"let {fit} learn from the train part of {cut} alone: {flow.steps[position].name}({cut_words(flow, split)})",
            json.dumps(detail, sort_keys=True),
        )

    def _between(self, source: Node | None, position: int) -> list[str]:
        """Draw the way of the rows to the step that learned from them, from where they were loaded."""
        flow, way = self._flow, []
        node = source
        while node is not None:
            field = f".{node.field}" if node.field else ""
            way.append(flow.label(node.position) + field)
            above = [each for nodes in flow.rows_taken(node.position) for each in nodes]
            tested = (each for each in above if is_part(each, flow.splits) and side_of(each.field) == "test")
            node = next(tested, above[0] if above else None)
        return way[::-1]


def side_words(sides: dict[Node, frozenset[str]], node: Node) -> str:
    return " and ".join(sorted(sides[node] - {"all"}, reverse=True))


def cut_words(flow: Flow, split: Split) -> str:
    train = next(field for field, side in split.sides.items() if side == "train")
    return f"parts.{train}" if train.isidentifier() else "train"
