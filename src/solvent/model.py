"""The frozen records and protocols that travel between the floors.

Nothing here does work. A record is made once and never changed; who needs another one makes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

RUN_STATUSES = ("running", "done", "failed", "interrupted")

WHOLE = ""
"""The field name of an output that is not split into declared fields."""


class Identity(NamedTuple):
    """What a value is: equal identities stand for equal values of one type.

    `digest` is the SHA-256 (hex) of the canonical content; `type` is "module:qualname" of the value's class;
    `classes` are the user classes ("module:qualname") met inside, whose methods may run;
    `columns` maps column name to column digest for tables, else None.
    """

    digest: str
    type: str
    classes: tuple[str, ...] = ()
    columns: Mapping[str, str] | None = None


class Blob(NamedTuple):
    """Bytes in the artifact store: their SHA-256 (hex), their number, and the role or relative path they have."""

    digest: str
    size_bytes: int
    role: str = ""


@dataclass(frozen=True, slots=True)
class ArtifactRef:
    """An immutable output: what it is (`identity`), how it is written (`format`), and where its bytes are.

    The bytes are `inline` (at most 16 KiB) or in `blobs`, never in both. `meta` is JSON that the format needs for reading
    back; `children` are artifacts that a collection is made of, in the order that `meta` numbers them.
    """

    identity: Identity
    format: str
    size_bytes: int
    inline: bytes | None = None
    blobs: tuple[Blob, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)
    children: tuple[ArtifactRef, ...] = ()

    @property
    def digest(self) -> str:
        return self.identity.digest

    @property
    def type(self) -> str:
        return self.identity.type

    @property
    def pickled(self) -> bool:
        """Whether reading it back runs pickle."""
        return self.format == "pickle" or any(child.pickled for child in self.children)

    def all_blobs(self) -> Iterator[Blob]:
        yield from self.blobs
        for child in self.children:
            yield from child.all_blobs()


class Symbol(NamedTuple):
    """One thing that a step's code reaches: a function, class, constant or module, with its digest and place."""

    name: str
    kind: str
    digest: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class CodeFingerprint:
    """The digest of all code that a step can reach, and what it is made of.

    `packages` are top-level import names of installed distributions that the code touches; `unfollowed` names what could
    not be followed and was covered by hashing its whole module; `files` are the user's source files (absolute paths).
    """

    digest: str
    symbols: tuple[Symbol, ...]
    packages: tuple[str, ...]
    unfollowed: tuple[str, ...]
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StepSpec:
    """What `@step` knows about a function. None of these options but `name` and `salt` enters the cache key.

    `datasets` are pairs of an output's field and the dataset that it is a version of.
    """

    name: str
    module: str
    qualname: str
    file: str
    line: int
    cache: bool = True
    salt: str | None = None
    retries: int = 0
    timeout_seconds: float | None = None
    isolated: bool = False
    datasets: tuple[tuple[str, str], ...] = ()


class Resources(NamedTuple):
    """What one step run takes of the machine while it runs; set outside the code."""

    cpus: float = 1
    memory_mb: int = 0
    gpus: int = 0


class Observation(NamedTuple):
    """What only the execution shows: a `file` or `source` read, a `folder` listed, a `module` imported, the `seed` used.

    `token` is the digest of what was seen, or a source's version; "absent" for a file that was looked for and not there.
    """

    kind: str
    subject: str
    token: str


class Metric(NamedTuple):
    """One logged number; `step` counts along a series and is None for a single value.

    `low` and `high` are the ends of its 95 % interval, where one is known.
    """

    name: str
    value: float
    step: int | None
    at: float
    low: float | None = None
    high: float | None = None


class CheckResult(NamedTuple):
    """What came of one check of one output: `status` is passed, warned, failed, or broken for a check that raised.

    `detail` is JSON: what was expected and found, how many rows, and the first of them.
    """

    field: str
    name: str
    status: str
    message: str
    detail: str = "{}"


class Finding(NamedTuple):
    """Something that a person should know of a run's data: `severity` is alert or warn, `subject` the dataset or step.

    `fix` says what to do, where that is one line; `detail` is JSON.
    """

    kind: str
    severity: str
    subject: str
    message: str
    fix: str = ""
    detail: str = "{}"


class Attachment(NamedTuple):
    """A logged text or figure: `kind` is "text" or "figure", stored as an artifact of its own."""

    kind: str
    name: str
    artifact: ArtifactRef


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a step run did not end well: the error's type and message, and the traceback of the user's frames."""

    kind: str
    message: str
    traceback: str
    signal: str | None = None


class Place(NamedTuple):
    """Where the bytes of a project are: its local folder, and the URL of its artifact store unless that is the folder.

    `cache_bytes` limits what is kept in the folder of blobs that belong to a store elsewhere.
    """

    home: str
    artifacts: str | None = None
    cache_bytes: int = 10 << 30


@dataclass(frozen=True, slots=True)
class Ticket:
    """All that an engine needs to run one step anywhere: what to call, with what, under which seed, and where to write.

    `arguments` is the pickle of a mapping of plain values, with a `Stored` in place of each artifact that must be read from
    the store. `function` is the pickle of the step where the worker can't find it by name.
    """

    id: int
    run_id: str
    spec: StepSpec
    key: str
    run_seed: int
    place: Place
    project: str
    arguments: bytes
    attempt: int = 1
    resources: Resources = Resources()  # noqa: RUF009 - immutable
    declared_files: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    known_modules: tuple[str, ...] = ()
    function: bytes | None = None
    allow_pickle: bool = True
    log_path: str = ""
    sensitive: tuple[str, ...] = ()
    sources: bytes = b""


class Stored(NamedTuple):
    """Stands in a ticket's arguments for a value in the artifact store."""

    artifact: ArtifactRef


@dataclass(frozen=True, slots=True)
class Execution:
    """What one execution of a step left behind, as the worker reports it.

    `memory_scope` says whose peak `peak_memory_bytes` is: "step" or "process".
    """

    outputs: Mapping[str, ArtifactRef]
    started_at: float
    seconds: float
    cpu_seconds: float
    peak_memory_bytes: int
    memory_scope: str
    observations: tuple[Observation, ...] = ()
    metrics: tuple[Metric, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    failure: Failure | None = None
    log: bytes = b""
    log_bytes: int = 0


class Input(NamedTuple):
    """An artifact that a step run took: the argument (with the path inside it), the artifact, and who made it.

    `run_id` and `position` name the step run that produced it and `field` which of its outputs it was; all three are None
    for a literal.
    """

    name: str
    digest: str
    type: str
    run_id: str | None = None
    position: int | None = None
    field: str | None = None


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One execution of a pipeline, as stored. Times are seconds since the epoch; `config` and the others are JSON text.

    `resumes` is the id of the interrupted run that this one goes on from; `counts` is JSON of step status to number;
    `project` is the name of the project that it belongs to; `origin` names the store that it was copied from.
    """

    id: str
    pipeline: str
    target: str
    status: str
    started_at: float
    ended_at: float | None = None
    user: str = ""
    host: str = ""
    cwd: str = ""
    command: str = ""
    engine: str = "inline"
    seed: int = 0
    config: str = "{}"
    config_sources: str = "{}"
    code: str | None = None
    snapshot: str | None = None
    environment: str | None = None
    git_commit: str | None = None
    git_branch: str | None = None
    git_diff: str | None = None
    resumes: str | None = None
    sweep: str | None = None
    error: str | None = None
    result: str | None = None
    counts: str = "{}"
    project: str = ""
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class StepRunRecord:
    """One call of a step in a run, as stored: `(run_id, position)` names it, `position` is the place in call order.

    A reused one has `source`, the `(run_id, position)` of the execution that it reuses, and no outputs of its own.
    `parts` is the JSON of the cache key's parts; `code` the digest of its code fingerprint.
    """

    run_id: str
    position: int
    name: str
    occurrence: int
    status: str
    key: str
    why: str
    parts: str = "{}"
    code: str | None = None
    cached: bool = True
    source: tuple[str, int] | None = None
    attempt: int = 1
    finished_at: float = 0.0
    execution: Execution | None = None
    inputs: tuple[Input, ...] = ()


class Blobs(Protocol):
    """An artifact store: bytes addressed by the SHA-256 of themselves, durable once `sync` has returned."""

    root: str
    """The local folder of the store, or of its cache: what is made of blobs for steps to open lies there."""

    def put(self, data: bytes | Iterable[bytes], role: str = "") -> Blob:
        """Store bytes; those that are there already are not written again."""
        ...

    def put_file(self, path: str, role: str = "") -> Blob:
        """Store a copy of a file's bytes."""
        ...

    def put_files(self, files: Iterable[tuple[str, str]]) -> list[Blob]:
        """Store copies of many files, given as (path, role), in that order."""
        ...

    def writer(self, role: str = "") -> BlobStream:
        """Give a file to stream bytes into; its `blob` is known when the `with` block ends."""
        ...

    def missing(self, blobs: Iterable[Blob]) -> list[Blob]:
        """Tell which blobs are not there with their full size."""
        ...

    def read(self, blob: Blob) -> bytes:
        """Give the bytes of a blob, checked against its digest; BlobError if they are missing or damaged.

        A size of -1 stands for one that is not known.
        """
        ...

    def map(self, blob: Blob) -> memoryview:
        """Give the bytes of a blob as mapped memory, checked against its digest."""
        ...

    def checked_path(self, blob: Blob) -> str:
        """Name a local file that holds the checked bytes of a blob; nobody may change it."""
        ...

    def fetch(self, blobs: Iterable[Blob]) -> None:
        """Bring many blobs near, so that reading them one by one needs no connection; what can't be had is left out."""
        ...

    def sync(self) -> None:
        """Make every blob stored since the last call survive the end of this machine."""
        ...

    def renew(self, blobs: Iterable[Blob]) -> list[Blob]:
        """Make sure that blobs are in the store, whatever was known of it; give those that are lost."""
        ...

    def listing(self) -> Iterator[StoredBlob]:
        """Give all that is in the store, in no order."""
        ...

    def remove(self, digests: Iterable[str], *, before: float | None = None) -> list[str]:
        """Remove blobs and tell which; with `before`, leave those that were stored or asked for since that time."""
        ...

    def close(self) -> None:
        """Give back what keeps the store open; a later use opens it again."""
        ...


class BlobStream(Protocol):
    """A file that becomes a blob when its `with` block ends well, and nothing when it does not."""

    blob: Blob

    def write(self, data: Any) -> int: ...

    def __enter__(self) -> Any: ...

    def __exit__(self, kind: Any, error: Any, trace: Any, /) -> None: ...


class StoredBlob(NamedTuple):
    """A blob as the store has it: `changed_at` is when its bytes came there, in seconds since the epoch."""

    digest: str
    size_bytes: int
    changed_at: float


class Locks(Protocol):
    """Named locks between processes that die with the process that holds them."""

    def try_lock(self, name: str) -> bool:
        """Take a lock if nobody has it, other threads and runs of this process included; never wait."""
        ...

    def unlock(self, name: str) -> None:
        """Give back a lock that this process has; one that it does not have is left alone."""
        ...

    def holder_alive(self, name: str) -> bool:
        """Tell whether a living process has this lock, this one included."""
        ...


class Tracer(Protocol):
    """What a call of a step inside a run talks to."""

    def call(self, step: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Note a call and give back a Ref at once."""

    def value(self, ref: Any) -> Any:
        """Wait for a Ref and give back what it stands for."""

    def each(self, ref: Any) -> Iterator[Any]:
        """Wait for the length of a list output and give one Ref for each element."""
        ...


class StepContext(Protocol):
    """What a running step may ask for or leave behind."""

    def seed(self) -> int:
        """Give the seed of this step run and note that it was used."""
        ...

    def log_metric(
        self, name: str, value: float, step: int | None, interval: tuple[float, float] | None = None
    ) -> None: ...

    def log_text(self, name: str, text: str) -> None: ...

    def log_figure(self, name: str, figure: Any) -> None: ...

    def observe(self, kind: str, subject: str, token: str) -> None:
        """Note what the step was seen to read: a later run reuses it only while the token is the same."""
        ...


class FileMemo(Protocol):
    """Remembers digests by file state, so that an unchanged file costs a stat and not a read."""

    def get(self, state: tuple[Any, ...]) -> str | None: ...

    def get_many(self, states: Sequence[tuple[Any, ...]]) -> dict[tuple[Any, ...], str]: ...

    def put(self, state: tuple[Any, ...], digest: str) -> None: ...


Resolve = Callable[[Any], Identity | None]
"""Gives the identity of an object that stands for an artifact (a Ref), or None for a plain value."""
