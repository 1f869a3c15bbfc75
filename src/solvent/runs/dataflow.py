"""How rows went through the steps of a run: which values hold rows, which were learned from rows, and where rows split."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from solvent.runs.consumers import is_fitted
from solvent.runs.datasets import read_profile
from solvent.runs.learning import STATELESS, takes_statistics
from solvent.runs.words import short_type

if TYPE_CHECKING:
    from solvent.model import ArtifactRef, CodeFingerprint, StepRunRecord
    from solvent.profiles.records import Profile
    from solvent.runs.stores import Stores

_ROWS = {
    "pandas": ("DataFrame", "Series"),
    "polars": ("DataFrame", "LazyFrame", "Series"),
    "pyarrow": ("Table", "RecordBatch", "ChunkedArray"),
    "numpy": ("ndarray", "MaskedArray"),
    "scipy": ("csr_matrix", "csc_matrix", "coo_matrix", "csr_array", "csc_array", "coo_array"),
    "torch": ("Tensor", "TensorDataset"),
}
_SIDES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "holdout", "heldout"), "test"),
}
_ORDER = {2: ("train", "test"), 3: ("train", "validation", "test")}
_READ_BYTES = 1 << 20
PREPROCESS = "solvent.steps.preprocess:Preprocess"
_ENCODERS = ("OneHotEncoder", "OrdinalEncoder")
"""Of all rows they learn the categories alone: a milder leak, which hides what the model does with new ones."""
_WORD_BYTES = 100
"""A longer text is one for people."""
_TOLD = ("solvent.profiles.records", "solvent.model")
"""Records that tell of data and are no way to change it: evaluations, split records, findings."""


class Node(NamedTuple):
    """A value that a step gave: the position of the step in the run, and the field of its output."""

    position: int
    field: str


class Split(NamedTuple):
    """A step that gave parts of its rows: the side of each part by its field."""

    position: int
    sides: Mapping[str, str]


class Flow:
    """The steps of one run that gave something, in the order of their calls."""

    def __init__(self, stores: Stores, run_id: str) -> None:
        self._stores, self._run_id = stores, run_id
        found = stores.metadata.list_step_runs(run_id)
        self.steps = {each.position: each for each in found if each.execution is not None}
        self._taken: dict[int, list[tuple[Node, ...]]] = {}
        self._profiles: dict[str, Profile | None] = {}
        self._codes: dict[str | None, CodeFingerprint | None] = {}

    @cached_property
    def splits(self) -> dict[int, Split]:
        """The steps whose declared fields are parts: train and test, also X_train and y_test, or two or three of a tuple."""
        found: dict[int, Split] = {}
        for position in self.steps:
            sides = self._sides(position)
            if {"train", "test"} <= set(sides.values()) and not self._takes_both(position, found):
                found[position] = Split(position, sides)
        return found

    def code(self, position: int) -> CodeFingerprint | None:
        """Give the code that a step reached."""
        digest = self.steps[position].code
        if digest not in self._codes:
            self._codes[digest] = self._stores.metadata.load_code(digest) if digest else None
        return self._codes[digest]

    def label(self, position: int) -> str:
        """Name a step as the command line does."""
        step = self.steps[position]
        return f"{step.name}[{step.occurrence}]" if step.occurrence else step.name

    def outputs(self, position: int) -> Mapping[str, ArtifactRef]:
        execution = self.steps[position].execution
        return execution.outputs if execution is not None else {}

    def rows_taken(self, position: int) -> list[tuple[Node, ...]]:
        """Give the values with rows that a step took, all fields of a whole that it took together."""
        if position not in self._taken:
            with_rows = (tuple(filter(self.has_rows, nodes)) for nodes in self._inputs(position))
            self._taken[position] = [nodes for nodes in with_rows if nodes]
        return self._taken[position]

    def takers(self, node: Node) -> Iterable[int]:
        """Give the steps that took a value, by itself or in the whole; of the field "" those that took any field."""
        return self._takers.get(node, ())

    @cached_property
    def _takers(self) -> dict[Node, dict[int, None]]:
        found: dict[Node, dict[int, None]] = {}
        for position in self.steps:
            for nodes in self._inputs(position):
                for node in (*nodes, nodes[0]._replace(field="")):
                    found.setdefault(node, {})[position] = None
        return found

    def _inputs(self, position: int) -> Iterator[tuple[Node, ...]]:
        """Give what a step took from other steps of the run: of a whole all its fields."""
        for each in self.steps[position].inputs:
            if each.run_id == self._run_id and each.position in self.steps and each.field is not None:
                fields = self.outputs(each.position)
                chosen = (each.field,) if each.field in fields else tuple(fields)
                if chosen:
                    yield tuple(Node(each.position, name) for name in chosen)

    def artifact(self, node: Node) -> ArtifactRef:
        return self.outputs(node.position)[node.field]

    def has_rows(self, node: Node) -> bool:
        found = self.outputs(node.position).get(node.field)
        return found is not None and holds_rows(found.type)

    def passes_on(self, node: Node) -> bool:
        """Whether a step gave a value back as it had come."""
        own = self.artifact(node)
        taken = self.steps[node.position].inputs
        return any((each.digest, each.type) == (own.digest, own.type) for each in taken)

    def profile(self, node: Node) -> Profile | None:
        digest = self.artifact(node).digest
        if digest not in self._profiles:
            self._profiles[digest] = read_profile(self._stores, digest)
        return self._profiles[digest]

    def row_count(self, node: Node) -> int | None:
        found = self.profile(node)
        return None if found is None else found.rows

    def is_index(self, node: Node) -> bool:
        """Whether a part is no table but the places of its rows: whole numbers or Booleans in one column."""
        found = self.profile(node)
        if found is None or found.kind == "table" or len(found.columns) != 1:
            return False
        return found.columns[0].type.startswith(("int", "uint", "bool"))

    def has_fraction(self, artifact: ArtifactRef) -> bool:
        """Whether there is a number with a fraction in a small plain value."""
        return has_fraction(self.read(artifact))

    def read(self, artifact: ArtifactRef) -> object:
        """Read a small plain value; None for any other."""
        from solvent.artifacts.saving import load

        if artifact.format != "json" or artifact.size_bytes > _READ_BYTES:
            return None
        return load(artifact, self._stores.blobs)

    def _sides(self, position: int) -> dict[str, str]:
        with_rows = [field for field in self.outputs(position) if self.has_rows(Node(position, field))]
        named = {field: side for field in with_rows if (side := side_of(field)) is not None}
        return named or self._sides_by_rows(position, with_rows)

    def _sides_by_rows(self, position: int, fields: list[str]) -> dict[str, str]:
        """Tell the parts of a tuple by their rows: those with the most are train, and features have their targets beside."""
        counts = [self.row_count(Node(position, field)) for field in fields]
        taken = [self.profile(node) for nodes in self.rows_taken(position) for node in nodes]
        known = [each for each in counts if each is not None]
        if not taken or None in taken or len(known) < len(fields) or fields != list(map(str, range(len(fields)))):
            return {}
        whole = max(each.rows for each in taken if each is not None)
        if len(fields) in (4, 6):
            return _sides_of_pairs(fields, known, whole)
        if len(fields) not in (2, 3) or len(taken) != 1 or not self._are_alike(position, fields, taken[0]):
            return {}
        if not 0.5 * whole < sum(known) <= whole or known[0] < max(known):
            return {}
        return dict(zip(fields, _ORDER[len(fields)], strict=True))

    def _are_alike(self, position: int, fields: list[str], whole: Profile | None) -> bool:
        parts = [self.profile(Node(position, field)) for field in fields]
        return whole is not None and all(part is not None and names_of(part) == names_of(whole) for part in parts)

    def _takes_both(self, position: int, splits: Mapping[int, Split]) -> bool:
        """Whether a step took both sides of a split: then it did the same to both, and is no split itself."""
        sides: dict[int, set[str]] = {}
        for node in self.above(node for nodes in self.rows_taken(position) for node in nodes):
            split = splits.get(node.position)
            if split is not None and node.field in split.sides:
                sides.setdefault(node.position, set()).add(split.sides[node.field])
        return any({"train", "test"} <= found for found in sides.values())

    def above(self, nodes: Iterable[Node], parts: Mapping[int, Split] | None = None) -> set[Node]:
        """Give the values with rows that these were made of, and themselves; nothing above the parts of splits."""
        found: set[Node] = set()
        waiting = list(nodes)
        while waiting:
            node = waiting.pop()
            if node not in found:
                found.add(node)
                if parts is None or not is_part(node, parts):
                    waiting += [each for nodes in self.rows_taken(node.position) for each in nodes]
        return found


def _sides_of_pairs(fields: list[str], counts: list[int], whole: int) -> dict[str, str]:
    """Tell the sides of features and targets of two or three parts, whichever of both orders they are in."""
    parts = len(fields) // 2
    for step, width in ((1, parts), (2, 1)):  # X_train, X_test, y_train, y_test; X_train, y_train, X_test, y_test
        features = counts[0 : step * parts : step]
        targets = counts[width : width + step * parts : step]
        if features == targets and features[0] == max(features) and 0.5 * whole < sum(features) <= whole:
            order = _ORDER[parts]
            names = [order[at % parts] if step == 1 else order[at // 2] for at in range(len(fields))]
            return dict(zip(fields, names, strict=True))
    return {}


def is_part(node: Node, splits: Mapping[int, Split]) -> bool:
    return node.position in splits and node.field in splits[node.position].sides


def names_of(profile: Profile) -> list[str]:
    return [each.name for each in profile.columns]


def holds_rows(type_name: str) -> bool:
    """Tell from its type whether a value holds rows: a table or an array."""
    package, _, name = type_name.partition(":")
    return name.rpartition(".")[2] in _ROWS.get(package.partition(".")[0], ())


def side_of(field: str) -> str | None:
    """Tell the side of a split from the name of a field, such as train, X_test or y_val."""
    words = re.split(r"[\W_]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", field).lower())
    found = {_SIDES[word] for word in words if word in _SIDES}
    return found.pop() if len(found) == 1 else None


class Learned(NamedTuple):
    """What a step learned from rows: the field, how it is called, and whether it is a model or the like for sure."""

    node: Node
    name: str
    certain: bool


def find_learned(flow: Flow, position: int, type_names: Mapping[int, str]) -> list[Learned]:
    """Find what a step may have learned from the rows that it took; `type_names` are those of wholes as steps took them."""
    outputs = flow.outputs(position)
    whole = type_names.get(position, "")
    if whole == PREPROCESS:
        return [Learned(Node(position, ""), short_type(whole), True)]
    found = []
    for field, artifact in outputs.items():
        if _is_vocabulary(artifact, STATELESS):
            continue
        if _is_model(artifact):
            certain = not _is_vocabulary(artifact, _ENCODERS)
            found.append(Learned(Node(position, field), short_type(artifact.type), certain))
        elif _may_be_learned(flow, Node(position, field), artifact):
            name = short_type(whole) if whole else short_type(artifact.type)
            found.append(Learned(Node(position, field), name, False))
    return found


def _is_vocabulary(artifact: ArtifactRef, names: Collection[str]) -> bool:
    return artifact.type.rpartition(":")[2] in names


def _is_model(artifact: ArtifactRef) -> bool:
    return is_fitted(artifact.type, artifact.format) or any(map(_is_model, artifact.children))


def _may_be_learned(flow: Flow, node: Node, artifact: ArtifactRef) -> bool:
    """Whether a value is a statistic of rows: numbers with a fraction, an object of a class, or far fewer rows."""
    if artifact.type.partition(":")[0] in _TOLD:
        return False
    if artifact.format == "text":
        return artifact.size_bytes <= _WORD_BYTES and _sums_up(flow, node)
    if flow.has_rows(node):
        return _is_summary(flow, node)
    if artifact.format == "json":
        return flow.has_fraction(artifact) or _chooses_columns(flow, node) or _is_statistic(flow, node)
    if artifact.children:
        return any(map(flow.has_fraction, artifact.children)) or _is_small(flow, node)
    return artifact.format == "pickle"


def _is_statistic(flow: Flow, node: Node) -> bool:
    """Whether a value is of whole numbers and words, and the code that made it sums rows up."""
    value = flow.read(flow.artifact(node))
    return isinstance(value, int | list | tuple | dict) and not isinstance(value, bool) and _sums_up(flow, node)


def _sums_up(flow: Flow, node: Node) -> bool:
    code = flow.code(node.position)
    return code is not None and takes_statistics(code)


def _is_small(flow: Flow, node: Node) -> bool:
    """Whether a collection of arrays alone, such as means and deviations, is far smaller than the rows it was made of."""
    artifact = flow.artifact(node)
    if not any(each.type.startswith("numpy:") for each in artifact.children):
        return False
    taken = [flow.artifact(each).size_bytes for nodes in flow.rows_taken(node.position) for each in nodes]
    return sum(each.size_bytes for each in artifact.children) * 4 < max(taken)


def _is_summary(flow: Flow, node: Node) -> bool:
    """Whether a table or array has floats and at most half the rows of what it was made of, and is no sample of it."""
    own = flow.profile(node)
    taken = [flow.profile(each) for nodes in flow.rows_taken(node.position) for each in nodes]
    known = [each for each in taken if each is not None]
    if own is None or not known or not any(each.type.startswith("float") for each in own.columns):
        return False
    if own.kind == "table" and any(set(names_of(own)) == set(names_of(each)) for each in known):
        return False
    return own.rows <= max(each.rows for each in known) / 2


def _chooses_columns(flow: Flow, node: Node) -> bool:
    """Whether a list of names chooses among columns of one type, which the names and types alone don't tell."""
    names = flow.read(flow.artifact(node))
    if not isinstance(names, list | tuple) or not names or not all(isinstance(each, str) for each in names):
        return False
    taken = [flow.profile(each) for nodes in flow.rows_taken(node.position) for each in nodes]
    for profile in taken:
        if profile is None or not set(names) <= set(names_of(profile)):
            continue
        types = [[each.name in names for each in profile.columns if each.type == kind] for kind in _types(profile)]
        if any(any(chosen) and chosen.count(False) > 1 for chosen in types):
            return True
    return False


def _types(profile: Profile) -> set[str]:
    return {each.type for each in profile.columns}


def has_fraction(value: object) -> bool:
    """Whether there is a number with a fraction anywhere in a plain value."""
    if isinstance(value, float):
        return value == value and not value.is_integer()
    if isinstance(value, Mapping):
        return any(map(has_fraction, value.values()))
    if is_dataclass(value):
        return any(has_fraction(getattr(value, each.name)) for each in fields(value))
    return isinstance(value, list | tuple | set | frozenset) and any(map(has_fraction, value))


def whole_types(steps: Iterable[StepRunRecord]) -> dict[int, str]:
    """Give the type of what a step gave as a whole, where another step took it so."""
    found: dict[int, str] = {}
    for step in steps:
        for each in step.inputs:
            if each.position is not None and each.field == "":
                found[each.position] = each.type
    return found
