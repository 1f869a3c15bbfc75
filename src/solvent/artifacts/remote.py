"""An object store behind an fsspec driver: create-only writes, sizes, listings; tried again when a connection is cut."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from solvent.artifacts.addresses import AZURE, GCS, S3, Address
from solvent.artifacts.refusals import is_existing, is_lost_write, is_passing, refusal
from solvent.errors import StoreError

if TYPE_CHECKING:
    from solvent.artifacts.drivers import Connection

T = TypeVar("T")

PART_BYTES = 8 << 20
"""The bytes of one part of a large blob; what is not larger than two goes in one request."""
_PARTS = 4
_MOST_PARTS = 9_000
_FIRST_DELAY_SECONDS = 0.2
_DELAY_LIMIT_SECONDS = 5.0


class Found(NamedTuple):
    """An object: its key below the root, its bytes, and when they came there, in seconds since the epoch."""

    key: str
    size_bytes: int
    changed_at: float


class Remote:
    """The objects below one URL. Opened at its first use, in each process anew: no connection survives a fork.

    What fails because of the network or of a busy server is tried again with growing delays until the address's patience is
    over; then, and for every other failure, StoreError says what is wrong in words.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self._opened: Connection | None = None
        self._lock = threading.Lock()

    def create(self, path: str, key: str) -> bool:
        """Store a local file under a key that nobody has used; False, and nothing is changed, if there is one already."""
        return self._put(path, key, mode="create")

    def replace(self, path: str, key: str) -> None:
        """Store a local file under a key, whatever was there."""
        self._put(path, key, mode="overwrite")

    def create_bytes(self, data: bytes, key: str, *, patience_seconds: float | None = None) -> tuple[bool, str]:
        """Store a few bytes under a key that nobody has used; tell if so, and what the server calls itself."""

        def write(driver: Any) -> tuple[bool, str]:
            try:
                answer = driver.pipe_file(self._full(key), data, mode="create")
            except Exception as error:
                if is_existing(error):
                    return False, ""
                raise
            return True, _server(answer)

        return self._try("write", write, patience_seconds)

    def look(self, *, patience_seconds: float | None = None) -> None:
        """Make sure that the bucket is there and may be listed."""

        def ask(driver: Any) -> None:
            if self._is(S3):
                folder = self._full("").partition("/")[2]
                driver.call_s3("list_objects_v2", Bucket=self.address.bucket, Prefix=folder, MaxKeys=1)
            else:
                driver.info(self.address.bucket)

        self._try("list", ask, patience_seconds)

    def size(self, key: str) -> int | None:
        """Give the bytes of an object, None if there is none."""

        def ask(driver: Any) -> int | None:
            try:
                if self._is(S3):
                    # The driver's own question goes on to look for a folder of that name.
                    bucket, _, name = self._full(key).partition("/")
                    return int(driver.call_s3("head_object", Bucket=bucket, Key=name)["ContentLength"])
                found = driver.info(self._full(key))
            except FileNotFoundError:
                return None
            return int(found["size"]) if found["type"] == "file" else None

        return self._try("read", ask)

    def fetch(self, key: str, path: str) -> bool:
        """Copy an object into a local file; False if there is none."""

        def copy(driver: Any) -> bool:
            try:
                driver.get_file(self._full(key), path, **self._transfer(0))
            except FileNotFoundError:
                if not os.path.isdir(os.path.dirname(path)):
                    raise
                return False
            return True

        return self._try("read", copy)

    def find(self, folder: str) -> Iterator[Found]:
        """Give all objects below a folder, in no order; one request for each thousand."""

        def ask(driver: Any) -> dict[str, Any]:
            try:
                found: dict[str, Any] = driver.find(self.address.path, prefix=f"{folder}/", detail=True)
            except FileNotFoundError:
                self.look(patience_seconds=0.0)  # no folder is an empty one, but no bucket is an error
                return {}
            return found

        start = len(self.address.path) + 1
        for name, info in self._try("list", ask).items():
            if info["type"] == "file":
                yield Found(name[start:], int(info["size"]), _changed_at(info))

    def remove(self, keys: Iterable[str]) -> None:
        """Remove objects, many in a request where the store can; those that are not there are left out."""
        paths = [self._full(key) for key in keys]
        if self._is(S3):
            # One driver's own call: the generic one asks for each path first what it is.
            for start in range(0, len(paths), 1000):
                batch = paths[start : start + 1000]
                self._try("remove", partial(self._remove_many, paths=batch))
            return
        for path in paths:
            self._try("remove", partial(_remove_one, path=path))

    def move(self, key: str, target: str) -> None:
        """Give an object another key, over what has it."""

        def rename(driver: Any) -> None:
            try:
                driver.cp_file(self._full(key), self._full(target))
            except FileNotFoundError:
                return
            _remove_one(driver, self._full(key))

        self._try("move", rename)

    def end_stale_uploads(self, age_seconds: float) -> None:
        """Give up the uploads in parts that a process began long ago and never ended, where the store lists them."""
        if not self._is(S3):
            return
        late = time.time() - age_seconds
        head = f"{self.address.path}/".partition("/")[2]

        def end(driver: Any) -> None:
            asked = driver.call_s3("list_multipart_uploads", Bucket=self.address.bucket, Prefix=head)
            for each in asked.get("Uploads", []):
                if each["Initiated"].timestamp() < late:
                    driver.abort_mpu(self.address.bucket, each["Key"], each["UploadId"])

        self._try("clean", end, 0.0)

    def close(self) -> None:
        """End the connection of this process; a later use makes a new one."""
        opened = self._opened
        if opened is not None and opened.process == os.getpid():
            self._opened = None
            opened.close()

    def _put(self, path: str, key: str, mode: str) -> bool:
        size = os.path.getsize(path)

        def send(driver: Any) -> bool:
            try:
                driver.put_file(path, self._full(key), mode=mode, **self._transfer(size))
            except Exception as error:
                if mode == "create" and is_existing(error):
                    return False
                raise
            return True

        return self._try("write", send)

    def _transfer(self, size: int) -> dict[str, Any]:
        """Give the options of a transfer, which bound the memory it takes."""
        part = max(PART_BYTES, -(-size // _MOST_PARTS // PART_BYTES) * PART_BYTES)
        if self._is(S3):
            return {"chunksize": part, "max_concurrency": _PARTS}
        return {"chunksize": part} if self._is(GCS) and size else {"max_concurrency": _PARTS} if self._is(AZURE) else {}

    def _remove_many(self, driver: Any, paths: list[str]) -> None:
        bucket = self.address.bucket
        keys = [{"Key": path[len(bucket) + 1 :]} for path in paths]
        answer = driver.call_s3("delete_objects", Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
        for each in answer.get("Errors", []):
            if each.get("Code") != "NoSuchKey":
                raise PermissionError(f"{each.get('Code')}: {each.get('Message', '')}")

    def _is(self, driver: Any) -> bool:
        return self.address.driver is driver

    def _full(self, key: str) -> str:
        return f"{self.address.path}/{key}"

    def _try(self, verb: str, work: Callable[[Any], T], patience_seconds: float | None = None) -> T:
        """Do something with the driver, again while what stops it may pass."""
        patience = self.address.patience_seconds if patience_seconds is None else patience_seconds
        began = time.monotonic()
        delay = _FIRST_DELAY_SECONDS
        while True:
            try:
                return work(self._driver())
            except StoreError:
                raise
            except Exception as error:
                tried = time.monotonic() - began
                passing = is_passing(error) or (verb == "write" and is_lost_write(error))
                if not passing or tried + delay > patience:
                    raise refusal(error, self.address, verb, tried) from error
            time.sleep(delay)
            delay = min(2 * delay, _DELAY_LIMIT_SECONDS)

    def _driver(self) -> Connection:
        opened = self._opened
        if opened is not None and opened.process == os.getpid():
            return opened
        if opened is not None:
            # This is a fork: the lock of the parent may be held by a thread that is not here.
            opened.leave_alone()
            self._lock = threading.Lock()
        from solvent.artifacts.drivers import Connection

        with self._lock:
            if self._opened is None or self._opened.process != os.getpid():
                self._opened = Connection(self.address)
            return self._opened


def _remove_one(driver: Any, path: str) -> None:
    with suppress(FileNotFoundError):
        driver.rm_file(path)


def _changed_at(info: dict[str, Any]) -> float:
    found = info.get("LastModified") or info.get("last_modified") or info.get("mtime") or info.get("updated")
    if isinstance(found, str):
        from datetime import datetime

        found = datetime.fromisoformat(found)
    return float(found.timestamp()) if found is not None else time.time()


def _server(answer: Any) -> str:
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}) if isinstance(answer, dict) else {}
    return str(headers.get("server", ""))
