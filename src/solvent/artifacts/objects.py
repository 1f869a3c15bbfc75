"""Blobs in an object store, reached through a local cache; durable once `sync` has returned."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self, TypeVar

from solvent.artifacts.addresses import parse_address
from solvent.artifacts.nearby import NearbyBlobs
from solvent.artifacts.presence import Presence, at_once, digest_of, key_of
from solvent.artifacts.proof import prove_once
from solvent.artifacts.remote import PART_BYTES, Remote
from solvent.artifacts.store import CHUNK_BYTES, UNKNOWN_BYTES, BlobWriter, LocalBlobs, store_error
from solvent.artifacts.uploads import Uploads
from solvent.errors import BlobError, StoreError
from solvent.fingerprint.files import file_state, process_memo
from solvent.model import Blob, Place, StoredBlob

if TYPE_CHECKING:
    from types import TracebackType

T = TypeVar("T")

_LARGE_BYTES = 1 << 20
_LARGE_AT_ONCE = 3
"""How many blobs in parts are under way at once: each takes the memory of four parts."""


def open_objects(place: Place, url: str) -> ObjectBlobs | LocalBlobs:
    """Open the store that a URL names, with its cache in the project's home.

    The first opening proves that one may write there and that the store refuses to replace; later ones ask nothing.
    """
    address = parse_address(url)
    if isinstance(address, str):
        return LocalBlobs(address)
    blobs = ObjectBlobs(Remote(address), os.path.join(place.home, "cache", "blobs"), place.cache_bytes)
    prove_once(blobs.remote, blobs.root)
    return blobs


class ObjectBlobs:
    """Bytes below a URL, in the layout of the local store. `root` is the folder of the cache.

    What is put is written into the cache and uploaded beside the work; the store never replaces a blob, unless what it has
    does not have the blob's size. What is read is fetched once, and checked each time its bytes are used. A size of -1
    stands for one that is not known.
    """

    def __init__(self, remote: Remote, root: str, cache_bytes: int) -> None:
        self.address = remote.address
        self.remote = remote
        self._cache_bytes = cache_bytes
        self.root = os.path.abspath(root)
        self._start()

    def put(self, data: bytes | Iterable[bytes], role: str = "") -> Blob:
        """Store bytes; those that are known to be there are not sent again."""
        self._here()
        if isinstance(data, bytes):
            blob = Blob(hashlib.sha256(data).hexdigest(), len(data), role)
            if self._presence.knows(blob) or self._hold_nearby(blob):
                return blob
            data = (data,)
        with self.writer(role) as out:
            for piece in data:
                out.write(piece)
        return out.blob

    def put_file(self, path: str, role: str = "") -> Blob:
        """Store a copy of a file's bytes."""
        with open(path, "rb", buffering=0) as source:
            return self.put(iter(lambda: source.read(CHUNK_BYTES), b""), role)

    def put_files(self, files: Iterable[tuple[str, str]]) -> list[Blob]:
        """Store copies of many files, given as (path, role), in that order."""
        self._here()
        named = list(files)
        known = [_known(path, role) for path, role in named]
        # One question for all whose content is known by their state.
        self._presence.missing(blob for blob in known if blob is not None)
        return [
            blob if blob is not None and self._presence.knows(blob) else self.put_file(path, role)
            for (path, role), blob in zip(named, known, strict=True)
        ]

    def writer(self, role: str = "") -> _UploadingWriter:
        """Give a file to stream bytes into; its `blob` is known, and its upload queued, when the `with` block ends."""
        self._here()
        return _UploadingWriter(self, self._nearby.writer(role))

    def has(self, blob: Blob) -> bool:
        """Tell whether the store has the blob with its full size."""
        return not self.missing([blob])

    def missing(self, blobs: Iterable[Blob]) -> list[Blob]:
        """Tell which blobs are not in the store with their full size; many take few requests."""
        self._here()
        return self._presence.missing(blobs)

    def read(self, blob: Blob) -> bytes:
        """Give the bytes of a blob, checked against its digest."""
        return self._checked(blob, self._nearby.read)

    def map(self, blob: Blob) -> memoryview:
        """Give the bytes of a blob as mapped memory, checked against its digest."""
        return self._checked(blob, self._nearby.map)

    def checked_path(self, blob: Blob) -> str:
        """Name a file of the cache whose bytes were checked; it may be swept once nobody has it open."""
        return self._checked(blob, self._nearby.checked_path)

    def fetch(self, blobs: Iterable[Blob]) -> None:
        """Bring many blobs into the cache, several at a time; what can't be had is left to whoever reads it."""
        self._here()
        wanted = [blob for blob in blobs if not self._nearby.has(blob)]
        at_once(self._fetch_quietly, wanted)

    def sync(self) -> None:
        """Return when all that was stored since the last call is in the store; StoreError says why it is not."""
        self._here()
        self._uploads.wait()
        self._nearby.sweep_if_due()

    def listing(self) -> Iterator[StoredBlob]:
        """Give all that is in the store, in no order."""
        self._here()
        for found in self._presence.listing():
            digest = digest_of(found.key)
            if digest is not None:
                yield StoredBlob(digest, found.size_bytes, found.changed_at)

    def remove(self, digests: Iterable[str], *, before: float | None = None) -> list[str]:
        """Remove blobs from the store and from this cache; those that are not there are left out.

        `before` changes nothing: no time of an object tells that it was asked for, so `renew` does what `before` is for.
        """
        self._here()
        gone = list(digests)
        self.remote.remove(key_of(digest) for digest in gone)
        for digest in gone:
            self._presence.forget(digest)
            self._nearby.drop(Blob(digest, 0))
        return gone

    def renew(self, blobs: Iterable[Blob]) -> list[Blob]:
        """Make sure that blobs are in the store, whatever was known of it; give those that this cache has lost too."""
        self._here()
        named = list(blobs)
        for blob in named:
            self._presence.forget(blob.digest)
        gone = self._presence.missing(named)
        for blob in gone:
            self._hold_nearby(blob)
        self.sync()
        return self._presence.missing(gone)

    def close(self) -> None:
        """End the connection; a later use makes a new one."""
        self.remote.close()

    def _start(self) -> None:
        self._process = os.getpid()
        self._nearby = NearbyBlobs(self.root, self._cache_bytes)
        self._presence = Presence(self.remote)
        self._uploads = Uploads(self._send)
        self._large = threading.Semaphore(_LARGE_AT_ONCE)

    def _here(self) -> None:
        """Start anew in a fork: threads, locks and what is still to be sent are the parent's."""
        if self._process != os.getpid():
            self._start()

    def _hold_nearby(self, blob: Blob) -> bool:
        """Queue the upload of a blob that the cache has already; False if it has not."""
        if not self._nearby.has(blob):
            return False
        try:
            self._nearby.hold(blob, self._nearby.path(blob))
        except FileNotFoundError:
            return False  # swept a moment ago
        except OSError as error:
            raise store_error("write", self._nearby.path(blob), error) from error
        self._uploads.add(blob)
        return True

    def _stored_nearby(self, blob: Blob) -> None:
        """Queue the upload of a blob that the cache got just now."""
        if self._presence.knows(blob):
            self._nearby.release(blob.digest)
        else:
            self._uploads.add(blob)

    def _send(self, blob: Blob) -> None:
        """Upload a blob; one that is there with its full size is left alone."""
        path = self._nearby.held.get(blob.digest)
        if path is None or self._presence.knows(blob):
            self._nearby.release(blob.digest)
            return
        try:
            self._send_held(blob, path)
        except StoreError:
            if self._presence.knows(blob):
                return  # another thread has sent the same bytes meanwhile, and let go of them
            raise
        self._presence.add(blob.digest, blob.size_bytes)
        self._nearby.release(blob.digest)

    def _send_held(self, blob: Blob, path: str) -> None:
        if not os.path.exists(path):
            raise StoreError(
                f"the bytes {blob.digest[:12]} were to be sent to {self.address.shown} and are not in the cache any more",
                where=path,
                hint="leave the project's folder alone while it runs, and run again",
            )
        if blob.size_bytes <= PART_BYTES:
            self._upload(blob, path)
        else:
            with self._large:
                self._upload(blob, path)

    def _upload(self, blob: Blob, path: str) -> None:
        key = key_of(blob.digest)
        # Where sending costs more than a question, the question comes first.
        size = self.remote.size(key) if blob.size_bytes > _LARGE_BYTES else None
        while size is None:
            if self.remote.create(path, key):
                return
            size = self.remote.size(key)
        if size != blob.size_bytes:
            self.remote.replace(path, key)

    def _checked(self, blob: Blob, use: Callable[[Blob], T]) -> T:
        """Use a blob's file in the cache; one that is gone or damaged is fetched again."""
        self._here()
        for _ in range(2):
            self._bring(blob)
            with suppress(BlobError):
                return use(blob)
        self._judge(blob)
        self._bring(blob)
        return use(blob)

    def _bring(self, blob: Blob) -> None:
        """Have a blob in the cache, with its full size."""
        if self._nearby.has(blob):
            self._nearby.touch(blob)
            return
        arrived = self._download(blob)
        try:
            self._nearby.take_in(blob, arrived)
        except OSError as error:
            raise store_error("write", self._nearby.path(blob), error) from error
        finally:
            with suppress(OSError):
                os.unlink(arrived)
        self._nearby.sweep_if_due()

    def _download(self, blob: Blob) -> str:
        """Fetch a blob's bytes into a new file and name it."""
        key = key_of(blob.digest)
        try:
            arrived = self._nearby.new_path()
            found = self.remote.fetch(key, arrived)
            size = os.stat(arrived).st_size if found else None
        except OSError as error:
            raise store_error("write", self._nearby.root, error) from error
        if size is not None and blob.size_bytes in (size, UNKNOWN_BYTES):
            return arrived
        self._presence.forget(blob.digest)
        with suppress(OSError):
            os.unlink(arrived)
        where = f"{self.address.shown}/{key}"
        if size is None:
            problem = f"the bytes {blob.digest[:12]} are not in the store"
        else:
            problem = f"the bytes {blob.digest[:12]} are damaged: there are {size} of {blob.size_bytes}"
        raise BlobError(problem, where=where, hint="run again: the step that made them makes them again")

    def _judge(self, blob: Blob) -> None:
        """Find out whether a blob is damaged in the store or on the way here; in the store, take it out of the way.

        A teammate's next run then makes it again; the damaged bytes are kept for whoever wants to look at them.
        """
        digests = set()
        for _ in range(2):
            arrived = self._download(blob)
            with open(arrived, "rb") as file:
                digests.add(hashlib.file_digest(file, "sha256").hexdigest())
            os.unlink(arrived)
        if blob.digest in digests:
            return
        where = f"{self.address.shown}/{key_of(blob.digest)}"
        if len(digests) > 1:
            raise StoreError(
                f"the bytes {blob.digest[:12]} arrive changed, each time in another way",
                where=where,
                hint="check the network, and use an https endpoint",
            )
        self._presence.forget(blob.digest)
        try:
            self.remote.move(key_of(blob.digest), f"damaged/{blob.digest}")
            moved = (
                f"they were moved to damaged/{blob.digest[:12]}... there, so the step that made them makes them again"
            )
        except StoreError:
            moved = f"remove {key_of(blob.digest)} there, so that the step that made them makes them again"
        raise BlobError(
            f"the bytes {blob.digest[:12]} are damaged in the store: they no longer have that digest",
            where=where,
            hint=f"run again, or `solvent verify --repair`; {moved}",
        )

    def _fetch_quietly(self, blob: Blob) -> None:
        with suppress(StoreError):
            self._bring(blob)


def _known(path: str, role: str) -> Blob | None:
    """Give the blob of a file whose content is known by its state."""
    with suppress(OSError):
        state = file_state(path)
        digest = process_memo.get(state)
        return Blob(digest, state[3], role) if digest is not None else None
    return None


class _UploadingWriter:
    """A file of the cache whose upload is queued when its `with` block ends well."""

    blob: Blob

    def __init__(self, blobs: ObjectBlobs, writer: BlobWriter) -> None:
        self._blobs = blobs
        self._writer = writer

    def write(self, data: Any) -> int:
        return self._writer.write(data)

    def tell(self) -> int:
        return self._writer.tell()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.__exit__(kind, error, trace)
        if kind is None:
            self.blob = self._writer.blob
            self._blobs._stored_nearby(self.blob)
