"""Which model answers a request: split by a stable hash of a key, and exchanged at once for all later requests."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from solvent.serving.control import HEADER
from solvent.serving.model import Model
from solvent.serving.wire import BadRequest

KEY = b"solvent-key"
"""The header with the key where requests are not split by something else."""
BUCKETS = 10_000
"""Keys fall into so many buckets: shares are kept to a hundredth of a percent."""


class Share(NamedTuple):
    """A model under the name that it serves for, and its percent of the keys; the first takes what the others leave."""

    name: str
    model: Model
    percent: float = 0.0


class _Split(NamedTuple):
    """All that a request reads; replaced as a whole, so that none sees a part of a change."""

    shares: tuple[Share, ...]
    bounds: tuple[tuple[int, Model], ...]
    first: Model
    key: str
    salt: bytes


class Traffic:
    """Gives a model for each request. A request keeps the model that it began with, whatever is changed meanwhile."""

    def __init__(self, model: Model | None = None) -> None:
        self._split: _Split | None = None
        self.shadow: Any = None
        self.refused: dict[str, str] = {}
        self.swaps = 0
        if model is not None:
            self.change([Share("champion", model)])

    def change(self, shares: Sequence[Share], key: str = "") -> None:
        """Let these answer from now on."""
        first = shares[0].model
        bounds, bound = [], 0
        for share in shares[1:]:
            bound += round(share.percent * BUCKETS / 100)
            bounds.append((bound, share.model))
        salt = blake2b(first.endpoint.encode(), digest_size=16).digest()
        self._split = _Split(tuple(shares), tuple(bounds), first, key, salt)

    @property
    def ready(self) -> bool:
        """Whether requests can be answered: a model is loaded and has answered its examples."""
        return self._split is not None

    @property
    def models(self) -> Sequence[Model]:
        """All models that may answer, the one that answers most first."""
        return tuple(share.model for share in self.shares)

    @property
    def shares(self) -> tuple[Share, ...]:
        return () if self._split is None else self._split.shares

    @property
    def key(self) -> str:
        """What requests are split by: "header:NAME", a column, or "" for the whole row."""
        return "" if self._split is None else self._split.key

    def model(self, key: bytes = b"") -> Model:
        """Give the model for requests of this key: the same one in every worker and after every start."""
        split = self._split
        if split is None:
            raise LookupError("no model is loaded")
        return _find(split, key) if split.bounds else split.first

    def choose(self, headers: Mapping[bytes, bytes], body: bytes, content_type: str) -> Model:
        """Give the model for a request: by its key, or by its first row where it has none. It answers all its rows."""
        split = self._split
        if split is None:
            raise LookupError("no model is loaded")
        return _find(split, _key(split, headers, body, content_type)) if split.bounds else split.first


def _find(split: _Split, key: bytes) -> Model:
    bucket = bucket_of(key, split.salt)
    return next((model for bound, model in split.bounds if bucket < bound), split.first)


def _key(split: _Split, headers: Mapping[bytes, bytes], body: bytes, content_type: str) -> bytes:
    is_header = split.key.startswith(HEADER)
    given = headers.get(split.key[len(HEADER) :].lower().encode() if is_header else KEY)
    if given:
        return given
    try:
        columns = split.first.codec.decode(body, content_type).columns()
        return key_of(columns, "" if is_header else split.key)
    except (BadRequest, LookupError):
        # Whoever answers a request that nobody can read says so.
        return body


def bucket_of(key: bytes, salt: bytes) -> int:
    """Give the bucket of a key: a share that grows keeps the keys that it had. `salt` makes endpoints differ."""
    return int.from_bytes(blake2b(key, digest_size=8, salt=salt).digest()) % BUCKETS


def key_of(columns: Mapping[str, Sequence[Any]], column: str, row: int = 0) -> bytes:
    """Give the key of a row: the text of its value in a column, or of all its values by the names of the columns."""
    if column:
        return _text(columns[column][row])
    return _text([[name, columns[name][row]] for name in sorted(columns)])


def _text(value: Any) -> bytes:
    """Write a value as JSON has it; what comes as a whole number or as the same float is one key."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    return json.dumps(value, default=str, ensure_ascii=False).encode("utf-8", "surrogatepass")
