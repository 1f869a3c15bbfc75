"""What the metadata store answers where the records of `solvent.model` do not fit."""

# Annotations are evaluated here: as texts they would be compiled one by one, which doubles the time of this import.
from typing import NamedTuple

from solvent.model import ArtifactRef


class Production(NamedTuple):
    """One making of an artifact: by which step run, as which of its outputs ('' for an undivided one), and when."""

    run_id: str
    position: int
    step: str
    field: str
    finished_at: float


class Consumption(NamedTuple):
    """One taking of an artifact: by which step run, as which argument, and when."""

    run_id: str
    position: int
    step: str
    argument: str
    finished_at: float


class Made(NamedTuple):
    """An artifact and the execution that has it as an output."""

    artifact: ArtifactRef
    by: Production


class Part(NamedTuple):
    """What `why` needs of one earlier call of a step."""

    position: int
    occurrence: int
    key: str
    parts: str
    code: str | None
    status: str


class Writer(NamedTuple):
    """A run that made, logged or returned an artifact: whose it is, and from which store it was copied, if it was."""

    run_id: str
    project: str
    origin: str | None
    user: str
    host: str
    started_at: float


class Trusted(NamedTuple):
    """An artifact that may be read although another project made it and reading it runs code."""

    digest: str
    author: str
    at: float


class Note(NamedTuple):
    """What a person wrote."""

    text: str
    author: str
    at: float


class Tag(NamedTuple):
    """A tag and who set it."""

    tag: str
    author: str
    at: float
