"""Runs as OpenLineage events, read with the classes of the official client and received by a real HTTP server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import solvent
from solvent import File, log, pipeline, step
from solvent.errors import StepFailed
from solvent.integrations.openlineage import RunEvents
from solvent.runs.events import Silent

SOURCE = File("rows.txt")


class Parts(NamedTuple):
    train: list[int]
    test: list[int]


@step
def read(source: File) -> list[int]:
    return [int(line) for line in Path(source).read_text().split()]


@step
def split(rows: list[int]) -> Parts:
    return Parts(rows[:2], rows[2:])


@step
def score(parts: list[int], limit: int) -> int:
    log.metric("limit", limit)
    if limit < 0:
        raise ValueError("a limit below 0")
    return sum(parts)


@pipeline
def scoring(source: File = SOURCE, limit: int = 3) -> int:
    return score(split(read(source)).train, limit)


@pytest.fixture
def rows(project: Path) -> Path:
    (project / "rows.txt").write_text("1 2 3")
    return project


def events_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def facets(part: dict[str, Any], *names: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in names:
        yield from part.get(name, {}).items()


@pytest.fixture
def told(rows: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SOLVENT_OPENLINEAGE", "out/events.jsonl")
    return rows / "out" / "events.jsonl"


def test_each_job_starts_and_completes_and_steps_name_their_run(told: Path) -> None:
    run = solvent.run(scoring)
    events = events_of(told)
    kinds = [(each["job"]["name"], each["eventType"]) for each in events]
    steps = [(f"scoring.{name}", kind) for name in ("read", "split", "score") for kind in ("START", "COMPLETE")]
    assert kinds == [("scoring", "START"), *steps, ("scoring", "COMPLETE")]
    whole = events[0]["run"]
    assert whole["facets"]["solvent_run"]["id"] == run.id
    assert {each["run"]["facets"]["parent"]["run"]["runId"] for each in events[1:-1]} == {whole["runId"]}
    assert {each["run"]["runId"] for each in events[1:3]} != {each["run"]["runId"] for each in events[3:5]}


def test_what_a_step_took_is_what_another_gave(told: Path) -> None:
    solvent.run(scoring)
    events = {(each["job"]["name"], each["eventType"]): each for each in events_of(told)}
    given = {each["name"]: each["facets"]["version"] for each in events["scoring.split", "COMPLETE"]["outputs"]}
    taken = {each["name"]: each["facets"]["version"] for each in events["scoring.score", "COMPLETE"]["inputs"]}
    assert list(given) == ["scoring/split.train", "scoring/split.test"]
    assert taken == {"scoring/split.train": given["scoring/split.train"]}


def test_a_failure_has_its_message(told: Path) -> None:
    with pytest.raises(StepFailed):
        solvent.run(scoring, limit=-1)
    failed = {each["job"]["name"]: each for each in events_of(told) if each["eventType"] == "FAIL"}
    assert list(failed) == ["scoring.score", "scoring"]
    assert failed["scoring.score"]["run"]["facets"]["errorMessage"]["message"] == "ValueError: a limit below 0"


def test_a_reused_step_is_told_as_one_that_completed(told: Path) -> None:
    solvent.run(scoring)
    solvent.run(scoring)
    ends = [
        each for each in events_of(told) if each["job"]["name"] == "scoring.read" and each["eventType"] == "COMPLETE"
    ]
    assert [each["run"]["facets"]["solvent_step"]["status"] for each in ends] == ["done", "reused"]
    assert ends[0]["outputs"][0]["facets"] == ends[1]["outputs"][0]["facets"]


def test_a_run_of_the_past_gives_the_same_events(told: Path) -> None:
    run = solvent.run(scoring)
    assert [RunEvents(run.record, run._stores).begin(), *RunEvents(run.record, run._stores).end()] == events_of(told)


class Received:
    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, Any]]] = []
        self.status = 201


@pytest.fixture
def server() -> Iterator[tuple[str, Received]]:
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.requests.append((self.path, self.headers.get("Authorization", ""), json.loads(body)))
            self.send_response(received.status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    served = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{served.server_port}", received
    served.shutdown()
    thread.join()
    served.server_close()


def test_a_server_gets_every_event_in_order_with_the_key(
    rows: Path, server: tuple[str, Received], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, received = server
    monkeypatch.setenv("SOLVENT_OPENLINEAGE", url)
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "k-123456")
    solvent.run(scoring)
    assert {(path, key) for path, key, _ in received.requests} == {("/api/v1/lineage", "Bearer k-123456")}
    assert [body["eventType"] for *_, body in received.requests] == [
        *("START",),
        *("START", "COMPLETE") * 3,
        "COMPLETE",
    ]


class Notices(Silent):
    def __init__(self) -> None:
        self.texts: list[str] = []

    def notice(self, text: str) -> None:
        self.texts.append(text)


def test_a_server_that_refuses_fails_no_run_and_is_named_once(
    rows: Path, server: tuple[str, Received], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, received = server
    received.status = 500
    monkeypatch.setenv("SOLVENT_OPENLINEAGE", url)
    watcher = Notices()
    assert solvent.run(scoring, watcher=watcher).status == "done"
    assert len(watcher.texts) == 1
    assert watcher.texts[0].startswith("OpenLineage events could not be sent: HTTP Error 500")


@pytest.mark.slow
def test_the_official_client_knows_every_field(rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openlineage.client")
    from openlineage.client import event_v2

    from tests.integrations.tables import tables

    monkeypatch.setenv("SOLVENT_OPENLINEAGE", "events.jsonl")
    solvent.run(tables)
    for event in events_of(rows / "events.jsonl"):
        check_facets(event)
        event_v2.RunEvent(
            eventType=event_v2.RunState[event["eventType"]],
            eventTime=event["eventTime"],
            run=event_v2.Run(runId=event["run"]["runId"]),
            job=event_v2.Job(namespace=event["job"]["namespace"], name=event["job"]["name"]),
            producer=event["producer"],
        )
    names = {each["name"] for event in events_of(rows / "events.jsonl") for each in event["outputs"]}
    assert names == {"flights", "tables/count"}


def check_facets(event: dict[str, Any]) -> None:
    """Build each facet with the official client's class of that name, which refuses what it does not know."""
    from openlineage.client import facet_v2

    classes = {
        name: cls
        for module in vars(facet_v2).values()
        if hasattr(module, "__file__")
        for name, cls in vars(module).items()
    }
    datasets = [*event["inputs"], *event["outputs"]]
    found = [*facets(event["run"], "facets"), *facets(event["job"], "facets")]
    found += [pair for each in datasets for pair in facets(each, "facets", "inputFacets", "outputFacets")]
    assert found
    for name, given in found:
        if name.startswith("solvent_"):
            continue
        address, _, kind = given["_schemaURL"].partition("#/$defs/")
        made = classes[kind](**{key: value for key, value in given.items() if not key.startswith("_")})
        assert made._get_schema() == f"{address}#/$defs/{kind}"


@pytest.mark.slow
def test_columns_that_became_sensitive_later_tell_no_values(rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.integrations.tables import tables

    run = solvent.run(tables)

    def told() -> dict[str, Any]:
        found = solvent.runs()[0]
        taken = [each for event in RunEvents(found.record, found._stores).end() for each in event["inputs"]]
        columns: dict[str, Any] = taken[0]["inputFacets"]["dataQualityMetrics"]["columnMetrics"]
        return columns

    assert run.status == "done"
    assert told()["delay"]["max"] == 3.0
    monkeypatch.setenv("SOLVENT_SENSITIVE_COLUMNS", "[delay]")
    assert set(told()["delay"]) <= {"nullCount", "count", "distinctCount"}
