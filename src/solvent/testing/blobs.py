"""What every artifact store must hold to."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from solvent.errors import BlobError
from solvent.model import Blob, Blobs

OpenBlobs = Callable[[], Blobs]
Damage = Callable[[Blob, bytes], None]


class BlobsContract:
    """All that an artifact store must hold to.

    Give one fixture: `open_blobs`, a function that opens the same, at first empty store, each time as another machine would:
    with a cache of its own, if it has one. With a second one, `damage`, a function that puts other bytes in the place of a
    blob's behind the store's back, it is also proved that damaged bytes are never taken for good ones.
    """

    @pytest.fixture
    def damage(self) -> Damage:
        """Skip what needs damaged bytes."""
        pytest.skip("no fixture `damage` tells how bytes of this store come to harm")

    def test_a_blob_is_named_by_its_bytes(self, open_blobs: OpenBlobs) -> None:
        blob = open_blobs().put(b"hello", "greeting")
        assert blob == Blob(hashlib.sha256(b"hello").hexdigest(), 5, "greeting")

    def test_what_was_synced_is_there_for_whoever_opens_the_store(self, open_blobs: OpenBlobs) -> None:
        writing = open_blobs()
        blobs = [writing.put(data) for data in (b"", b"a", b"b" * 100_000)]
        writing.sync()
        reading = open_blobs()
        assert reading.missing(blobs) == []
        assert [reading.read(blob) for blob in blobs] == [b"", b"a", b"b" * 100_000]
        assert [bytes(reading.map(blob)) for blob in blobs] == [b"", b"a", b"b" * 100_000]
        assert [Path(reading.checked_path(blob)).read_bytes() for blob in blobs] == [b"", b"a", b"b" * 100_000]

    def test_what_was_put_is_read_back_at_once(self, open_blobs: OpenBlobs) -> None:
        store = open_blobs()
        assert store.read(store.put(b"hello")) == b"hello"

    def test_a_blob_is_read_by_its_digest_alone(self, open_blobs: OpenBlobs) -> None:
        """Some records name a digest without its size, which is then -1."""
        writing = open_blobs()
        blob = writing.put(b"manifest")
        assert writing.read(Blob(blob.digest, -1)) == b"manifest"
        writing.sync()
        assert open_blobs().read(Blob(blob.digest, -1)) == b"manifest"
        with pytest.raises(BlobError):
            open_blobs().read(Blob("0" * 64, -1))

    def test_pieces_files_and_streams_make_the_same_blob(self, open_blobs: OpenBlobs, tmp_path: Path) -> None:
        store = open_blobs()
        (tmp_path / "source").write_bytes(b"hello world")
        with store.writer("x") as out:
            out.write(b"hello ")
            out.write(memoryview(b"world"))
        store.sync()
        assert (
            out.blob[:2]
            == store.put(iter([b"hello", b" world"]))[:2]
            == store.put_file(str(tmp_path / "source"))[:2]
            == store.put(b"hello world")[:2]
        )
        store.sync()
        assert [found.digest for found in store.listing()] == [out.blob.digest]

    def test_a_stream_that_fails_leaves_nothing(self, open_blobs: OpenBlobs) -> None:
        store = open_blobs()

        def fail() -> None:
            with store.writer() as out:
                out.write(b"half")
                raise KeyError

        with pytest.raises(KeyError):
            fail()
        store.sync()
        assert list(store.listing()) == []

    def test_a_large_blob_is_mapped(self, open_blobs: OpenBlobs) -> None:
        store, data = open_blobs(), bytes(range(256)) * (20 << 12)
        blob = store.put(data)
        store.sync()
        with open_blobs().map(blob) as view:
            assert view == data

    def test_what_is_not_there_is_told(self, open_blobs: OpenBlobs) -> None:
        store = open_blobs()
        there = store.put(b"there")
        store.sync()
        absent, longer = Blob("0" * 64, 1), there._replace(size_bytes=6)
        assert open_blobs().missing([there, absent, longer]) == [absent, longer]
        assert open_blobs().missing(iter([there])) == []
        with pytest.raises(BlobError):
            open_blobs().read(absent)
        with pytest.raises(BlobError):
            open_blobs().map(absent)
        with pytest.raises(BlobError):
            open_blobs().checked_path(absent)

    def test_many_are_asked_at_once(self, open_blobs: OpenBlobs) -> None:
        store = open_blobs()
        blobs = [store.put(b"%d" % number) for number in range(60)]
        store.sync()
        absent = [Blob(hashlib.sha256(b"no %d" % number).hexdigest(), 1) for number in range(60)]
        assert open_blobs().missing([*blobs, *absent]) == absent

    def test_the_listing_names_sizes_and_times(self, open_blobs: OpenBlobs) -> None:
        store = open_blobs()
        assert list(store.listing()) == []
        first, second = store.put(b"one"), store.put(b"second")
        store.sync()
        found = {each.digest: each for each in open_blobs().listing()}
        assert {digest: each.size_bytes for digest, each in found.items()} == {first.digest: 3, second.digest: 6}
        assert all(abs(each.changed_at - time.time()) < 600 for each in found.values())

    def test_what_is_removed_is_gone_and_can_be_put_again(self, open_blobs: OpenBlobs) -> None:
        store = open_blobs()
        gone, kept = store.put(b"gone"), store.put(b"kept")
        store.sync()
        store.remove([gone.digest, "0" * 64])
        assert store.missing([gone, kept]) == open_blobs().missing([gone, kept]) == [gone]
        assert store.put(b"gone") == gone
        store.sync()
        assert open_blobs().read(gone) == b"gone"

    @pytest.mark.parametrize("bytes_now", [b"hellO", b"hel", b""])
    def test_damaged_bytes_are_never_given_and_can_be_put_again(
        self, open_blobs: OpenBlobs, damage: Damage, bytes_now: bytes
    ) -> None:
        store = open_blobs()
        blob = store.put(b"hello")
        store.sync()
        damage(blob, bytes_now)
        with pytest.raises(BlobError, match="damaged") as caught:
            open_blobs().read(blob)
        assert "run again" in str(caught.value.hint)
        again = open_blobs()
        assert again.missing([blob]) == [blob]
        assert again.put(b"hello") == blob
        again.sync()
        assert open_blobs().read(blob) == b"hello"

    def test_a_closed_store_opens_again_when_it_is_used(self, open_blobs: OpenBlobs) -> None:
        store = open_blobs()
        blob = store.put(b"one")
        store.sync()
        store.close()
        store.close()
        assert store.missing([blob]) == []
        other = store.put(b"two")
        store.sync()
        assert open_blobs().missing([blob, other]) == []

    def test_threads_and_machines_may_put_the_same_bytes_at_once(self, open_blobs: OpenBlobs) -> None:
        stores = [open_blobs(), open_blobs()]
        with ThreadPoolExecutor(4) as pool:
            found = set(pool.map(lambda number: stores[number % 2].put(b"same" * 10_000), range(12)))
        for store in stores:
            store.sync()
        assert len(found) == len(list(open_blobs().listing())) == 1
        assert open_blobs().read(found.pop()) == b"same" * 10_000
