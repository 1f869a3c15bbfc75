"""Sources of all kinds: each is read, and has a version that tells when it is another one."""

from __future__ import annotations

import base64
import os
import sqlite3
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pytest
from pyarrow import feather

import solvent
from solvent.config.project import Project
from solvent.errors import SourceError
from solvent.sources.batches import Batches
from solvent.sources.session import open_sources
from tests.sources.conftest import Declare


def token(name: str) -> str:
    return open_sources(Project.find()).token(name)


def ids(name: str) -> list[int]:
    return solvent.source(name, pa.Table)["id"].to_pylist()


class Server(BaseHTTPRequestHandler):
    """A file behind a password; `tag` is its ETag, if any."""

    body: ClassVar[bytes] = b"id\n1\n2\n"
    tag: ClassVar[str] = ""

    def do_GET(self) -> None:
        wanted = "Basic " + base64.b64encode(b"me:s3cret-word").decode()
        if self.headers.get("Authorization") != wanted:
            self.send_error(401)
            return
        self.send_response(200)
        if self.tag:
            self.send_header("ETag", self.tag)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(self.body)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def web() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/flights.csv"
    server.shutdown()
    thread.join()
    server.server_close()


def test_json_lines_and_arrow_files(declare: Declare, project: Path) -> None:
    (project / "a.jsonl").write_text('{"id": 1}\n{"id": 2}\n')
    feather.write_feather(pa.table({"id": [3]}), str(project / "b.arrow"), compression="uncompressed")
    declare("lines: {location: a.jsonl}\narrow: {location: b.arrow}")

    assert ids("lines") == [1, 2]
    assert ids("arrow") == [3]


def test_a_url_has_the_version_that_the_server_tells_else_that_of_its_content(
    declare: Declare, web: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCESS", "Basic " + base64.b64encode(b"me:s3cret-word").decode())
    declare(f"web: {{location: '{web}', options: {{headers: {{Authorization: env:ACCESS}}}}}}")

    assert ids("web") == [1, 2]
    assert token("web").startswith("content ")
    monkeypatch.setattr(Server, "tag", '"v1"')
    assert token("web").startswith('etag "v1" ')


def test_wrong_credentials_are_refused_without_being_shown(
    declare: Declare, web: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCESS", "Basic wrong-credential")
    declare(f"web: {{location: '{web}', options: {{headers: {{Authorization: env:ACCESS}}}}}}")

    with pytest.raises(SourceError, match="401") as caught:
        solvent.source("web")
    assert "credentials" in str(caught.value)
    assert "wrong-credential" not in str(caught.value)


@pytest.mark.slow
def test_a_query_has_a_version_only_if_a_query_tells_it(declare: Declare, project: Path) -> None:
    with sqlite3.connect(project / "shop.db") as connection:
        connection.execute("CREATE TABLE orders (id INTEGER, amount REAL, at INTEGER)")
        connection.execute("INSERT INTO orders VALUES (1, 2.5, 10), (2, NULL, 11)")
    connection.close()
    declare(
        "orders:\n  location: sqlite:///shop.db\n  options: {table: orders}\n"
        "  version: {query: SELECT max(at) FROM orders}\n"
        "recent: {location: 'sqlite:///shop.db', options: {query: SELECT id FROM orders WHERE at > 10}}\n"
        "broken: {location: 'sqlite:///shop.db', options: {query: SELECT missing FROM orders}}\n"
        "gone: {location: 'sqlite:///shob.db', options: {table: orders}}"
    )

    assert solvent.source("orders", pa.Table).to_pydict() == {"id": [1, 2], "amount": [2.5, None], "at": [10, 11]}
    assert [batch.num_rows for batch in solvent.source("orders", Batches)] == [2]
    assert ids("recent") == [2]
    assert token("orders").startswith("query 11 ")
    assert token("recent") != token("recent"), "without a version there is no reuse across runs"
    with pytest.raises(SourceError, match="no such column"):
        solvent.source("broken")
    with pytest.raises(SourceError, match=r"did you mean .*shop\.db"):
        solvent.source("gone")


def test_a_function_has_its_code_as_its_version(declare: Declare, project: Path) -> None:
    (project / "made_here.py").write_text(
        "def rows(count):\n    return [{'id': each} for each in range(count)]\n"
        "def fails():\n    raise ValueError('no luck')\n"
    )
    declare(
        "made: {location: 'made_here:rows', options: {count: 3}}\n"
        "fails: {location: 'made_here:fails'}\n"
        "gone: {location: 'made_here:row'}"
    )

    assert ids("made") == [0, 1, 2]
    assert token("made").startswith("code ")
    with pytest.raises(SourceError, match="raised ValueError: no luck"):
        solvent.source("fails")
    with pytest.raises(SourceError, match="did you mean 'rows'"):
        solvent.source("gone")


def test_objects_have_the_versions_that_their_store_tells(declare: Declare) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.pipe("/flights/a.csv", b"id\n1\n")
    memory.pipe("/flights/b.csv", b"id\n2\n")
    declare("objects: {location: 'memory://flights/*.csv', format: csv}\ngone: {location: 'memory://nothing/*.csv'}")
    before = token("objects")

    assert ids("objects") == [1, 2]
    memory.pipe("/flights/b.csv", b"id\n3\n")
    assert token("objects") != before
    with pytest.raises(SourceError, match="there is nothing"):
        solvent.source("gone")
    memory.rm("/flights", recursive=True)


def test_a_broken_file_names_its_line(declare: Declare, project: Path) -> None:
    (project / "a.csv").write_text("id,x\n1,2\n3\n")
    (project / "b.csv").write_text("id,x\n1,2\n3,four\n")
    (project / "c.jsonl").write_text('{"id": 1}\n{"id": \n')
    declare("a: {location: a.csv}\nb: {location: b.csv, columns: {x: int64}}\nc: {location: c.jsonl}")

    with pytest.raises(SourceError, match=r"line 3 of a\.csv has 1 values, and 2 were expected"):
        solvent.source("a")
    with pytest.raises(SourceError, match=r"line 3 of b\.csv has 'four' in a column of int64"):
        solvent.source("b")
    with pytest.raises(SourceError, match=r"line 2 of c\.jsonl is no JSON"):
        solvent.source("c")


def test_a_file_with_another_schema_is_named_with_both_types(declare: Declare, project: Path) -> None:
    (project / "parts").mkdir()
    feather.write_feather(pa.table({"id": [1]}), str(project / "parts" / "a.arrow"))
    feather.write_feather(pa.table({"id": ["x"]}), str(project / "parts" / "b.arrow"))
    declare("parts: {location: parts}")

    with pytest.raises(SourceError, match=r"column 'id' is string in b\.arrow and int64 in a\.arrow"):
        solvent.source("parts")


def test_a_column_that_is_gone_is_named_with_the_nearest(declare: Declare, project: Path) -> None:
    (project / "a.csv").write_text("id,delays\n1,2\n")
    declare("a: {location: a.csv, columns: {delay: int64}}\nb: {location: a.csv}")

    with pytest.raises(SourceError, match=r"the column 'delay' is gone.*did you mean 'delays'"):
        solvent.source("a")
    with pytest.raises(SourceError, match=r"no column 'delay'.*did you mean 'delays'"):
        solvent.source("b", columns=["delay"])


def test_a_file_that_changes_while_it_is_read_is_refused(declare: Declare, project: Path) -> None:
    path = project / "a.csv"
    path.write_text("id\n1\n")
    declare("a: {location: a.csv}")
    sources = open_sources(Project.find())
    opened = sources.reader("a").open()

    assert opened.unchanged()
    path.write_text("id\n2\n")
    os.utime(path, ns=(1, 1))
    assert not opened.unchanged()


@pytest.mark.slow
def test_a_column_that_is_null_at_first_finds_its_type(declare: Declare, project: Path) -> None:
    with sqlite3.connect("late.db") as database:
        database.execute("CREATE TABLE t (a INTEGER, b INTEGER)")
        database.executemany("INSERT INTO t VALUES (?, ?)", ((n, n if n >= 70_000 else None) for n in range(80_000)))
    database.close()
    late = "late:\n  location: sqlite:///late.db\n  options: {table: t}\n"
    declare(late)
    assert solvent.source("late")["b"].sum() == sum(range(70_000, 80_000))
    with pytest.raises(SourceError, match=r"column 'b' is null in the first rows and int64 in later ones"):
        list(solvent.source("late", Batches))
    declare(f"{late}  columns: {{b: int64}}\n")
    assert sum(batch["b"].null_count for batch in solvent.source("late", Batches)) == 70_000
