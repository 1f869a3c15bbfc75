"""What a format writes to and reads from: at most 16 KiB stay inline, more becomes blobs."""

from __future__ import annotations

import base64
import builtins
import io
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from solvent.errors import FormatError, StoreError
from solvent.model import ArtifactRef, Blob, Blobs, BlobStream

INLINE_BYTES = 16 * 1024


class Unsuitable(Exception):
    """A format finds that it can't give this value back as it is; reason and hint are kept with the artifact."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.hint = hint


class Format(Protocol):
    """How one kind of value is written and read back: equal, and of the same type."""

    def accepts(self, value: Any) -> bool:
        """Tell quickly whether this format is the one for a value."""
        ...

    def write(self, value: Any, sink: Sink) -> Mapping[str, Any]:
        """Write a value, and give the JSON that reading it back needs; raise `Unsuitable` to leave it to pickle."""
        ...

    def read(self, source: Source) -> Any:
        """Read a value back."""


class Sink:
    """Where a format writes one value: one stream, named parts, whole files, and children of their own identity."""

    def __init__(self, blobs: Blobs, save_child: Callable[[Any, str], ArtifactRef], path: str = "value") -> None:
        self.blobs = blobs
        self.path = path
        self.inline: bytes | None = None
        self.stored: list[Blob] = []
        self.parts: dict[str, str] = {}
        self.children: list[ArtifactRef] = []
        self._save_child = save_child
        self._seen: dict[int, tuple[int, Any]] = {}

    def open(self, role: str = "") -> Spill:
        """Give the stream for the value's bytes, to be used in a `with` block, once."""
        return Spill(self, role)

    def write(self, data: bytes, role: str = "") -> None:
        """Write the value's bytes at once."""
        if len(data) <= INLINE_BYTES and not role:
            self.inline = data
        else:
            self.stored.append(self.blobs.put(data, role))

    def part(self, name: str, data: bytes) -> None:
        """Keep bytes beside the stream: in the record when they are few, else as a blob with that role."""
        if len(data) <= INLINE_BYTES:
            self.parts[name] = base64.b64encode(data).decode()
        else:
            self.stored.append(self.blobs.put(data, name))

    def file(self, path: str, role: str = "") -> Blob:
        """Store a copy of a file."""
        self.stored.append(self.blobs.put_file(path, role))
        return self.stored[-1]

    def files(self, files: Iterable[tuple[str, str]]) -> None:
        """Store copies of many files, given as (path, role)."""
        self.stored.extend(self.blobs.put_files(files))

    def child(self, value: Any, path: str) -> int:
        """Save a part as an artifact of its own and give its number; the same object twice is one child."""
        known = self._seen.get(id(value))
        if known is None:
            self.children.append(self._save_child(value, path))
            # The object is kept so that its id stays its own.
            known = self._seen[id(value)] = (len(self.children) - 1, value)
        return known[0]


class Spill(io.RawIOBase):
    """A stream that keeps few bytes in memory and moves to a blob when they get many.

    A write that fails is raised when the `with` block ends, not before: native writers end the process when the stream
    they write to raises.
    """

    def __init__(self, sink: Sink, role: str) -> None:
        self._sink = sink
        self._role = role
        self._memory = bytearray()
        self._writer: BlobStream | None = None
        self._size = 0
        self._failure: StoreError | None = None

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._size

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        self._size += len(view)
        if self._failure is None:
            try:
                self._write(view)
            except StoreError as error:
                self._failure = error
        return len(view)

    def _write(self, view: memoryview) -> None:
        if self._writer is None and self._size <= INLINE_BYTES:
            self._memory += view
            return
        if self._writer is None:
            self._writer = self._sink.blobs.writer(self._role)
            self._writer.write(self._memory)
        self._writer.write(view)

    def __exit__(self, *failure: Any) -> None:
        failed = self._failure is not None or failure[0] is not None
        if self._writer is not None:
            self._writer.__exit__(StoreError if failed else None, self._failure, None)
        if self._failure is not None:
            raise self._failure
        if not failed and self._writer is not None:
            self._sink.stored.append(self._writer.blob)
        elif not failed:
            self._sink.inline = bytes(self._memory)
        self.close()


class Source:
    """What a format reads from: the bytes, parts and children of one artifact, checked against their digests."""

    def __init__(self, ref: ArtifactRef, blobs: Blobs, load_child: Callable[[ArtifactRef], Any]) -> None:
        self.ref = ref
        self.meta = ref.meta
        self.blobs = blobs
        self._load_child = load_child
        self._loaded: dict[int, Any] = {}

    def bytes(self, role: str = "") -> bytes:
        """Give the value's bytes."""
        if self.ref.inline is not None and not role:
            return self.ref.inline
        return self.blobs.read(self.blob(role))

    def view(self, role: str = "") -> memoryview:
        """Give the value's bytes without a copy, mapped from the disk when they are many."""
        if self.ref.inline is not None and not role:
            return memoryview(self.ref.inline)
        return self.blobs.map(self.blob(role))

    def part(self, name: str) -> builtins.bytes:
        """Give the bytes kept beside the stream under that name."""
        few = self.meta.get("parts", {}).get(name)
        return base64.b64decode(few) if few is not None else self.blobs.read(self.blob(name))

    def blob(self, role: str = "") -> Blob:
        """Give the blob of a role."""
        for blob in self.ref.blobs:
            if blob.role == role:
                return blob
        raise FormatError(f"the artifact {self.ref.digest[:12]} has no bytes called {role!r}")

    def child(self, number: int) -> Any:
        """Give a part that is an artifact of its own; asked twice, it is the same object."""
        if number not in self._loaded:
            self._loaded[number] = self._load_child(self.ref.children[number])
        return self._loaded[number]
