"""The application in process: routes, names on every answer, limits, and what a failing step tells to whom."""

import asyncio
import json
import logging
from typing import Any

import pytest

from solvent.serving.model import Model
from tests.serving.apps import ROW, Client, run, tiny_app, tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return tiny_model(tmp_path_factory.mktemp("tiny") / "bundle")


@pytest.fixture
def client(model: Model) -> Client:
    return Client(tiny_app(model))


def test_records_and_columns_are_answered_and_every_answer_names_model_bundle_and_request(
    client: Client, model: Model
) -> None:
    answer = client.post("/predict", {"records": [ROW, {"area": 1, "rooms": 1}]}, x_request_id="mine-7")
    assert answer.status == 200
    assert answer.body == {"predictions": [22.0, 3.0], "model": "tiny@3", "bundle": model.digest, "id": "mine-7"}
    assert answer.headers["solvent-model"] == "tiny@3"
    assert answer.headers["solvent-bundle"] == model.digest
    assert answer.headers["x-request-id"] == "mine-7"
    assert client.post("/predict", {"columns": {"area": [10], "rooms": [2]}}).body["predictions"] == [22.0]


@pytest.mark.parametrize("id", ["", "a b", "x" * 129, 'a"b', "a\tb"])
def test_a_request_id_that_could_harm_a_log_is_replaced(client: Client, id: str) -> None:
    answer = client.post("/predict", {"records": [ROW]}, x_request_id=id)
    assert answer.status == 200
    assert answer.body["id"] == answer.headers["x-request-id"]
    assert answer.body["id"] not in (id, "")


def test_paths_and_methods_that_there_are_not_are_told_with_those_that_there_are(client: Client) -> None:
    lost = client.get("/predicts")
    assert (lost.status, lost.body["error"]) == (404, "nothing at /predicts; did you mean /predict?")
    assert "did you mean /schema?" in client.get("/schema/").body["error"]
    wrong = client.get("/predict")
    assert (wrong.status, wrong.headers["allow"]) == (405, "OPTIONS, POST")
    assert client.post("/schema", {}).headers["allow"] == "GET, HEAD, OPTIONS"


def test_head_has_no_body_and_options_tells_the_methods(client: Client) -> None:
    head = run(client.ask("HEAD", "/schema"))
    assert (head.status, head.body) == (200, b"")
    assert int(head.headers["content-length"]) == len(json.dumps(client.get("/schema").body, separators=(",", ":")))
    options = run(client.ask("OPTIONS", "/predict"))
    assert (options.status, options.headers["allow"]) == (204, "OPTIONS, POST")
    assert "content-length" not in options.headers


def test_a_body_of_another_type_is_refused(client: Client) -> None:
    answer = client.post("/predict", b"area=1", content_type="application/x-www-form-urlencoded")
    assert answer.status == 415
    assert "application/json" in answer.body["error"]


def test_a_body_above_the_limit_is_refused_by_its_header_and_while_it_arrives(model: Model) -> None:
    client = Client(tiny_app(model, body_limit_bytes=100))
    told = client.post("/predict", b"", content_length="101")
    streamed = run(client.ask("POST", "/predict", parts=[b" " * 60, b" " * 60, b""]))
    for answer in (told, streamed, client.post("/predict", b" " * 101)):
        assert (answer.status, answer.headers["connection"]) == (413, "close")
        assert "more than 100 bytes" in answer.body["error"]
    assert client.post("/predict", {"records": [ROW]}).status == 200


def test_too_many_rows_are_refused_with_the_limit(model: Model) -> None:
    answer = Client(tiny_app(model, row_limit=2)).post("/predict", {"records": [ROW] * 3})
    assert answer.status == 413
    assert " 2 " in answer.body["error"]
    assert "rows" in answer.body["error"]


def test_a_body_that_does_not_arrive_in_time_is_answered_408_and_one_that_breaks_off_not_at_all(model: Model) -> None:
    app = tiny_app(model, body_seconds=0.01)
    slow = run(Client(app).ask("POST", "/predict", parts=[b"{", ...]))
    assert (slow.status, slow.body["error"]) == (408, "the body did not arrive within 0.01 s")
    gone = run(Client(app).ask("POST", "/predict", parts=[b"{", None]))
    assert gone.status == 0
    assert 'route="/predict",status="499"' in Client(app).get("/metrics").body.decode()


def test_a_failing_step_is_named_with_the_kind_of_its_error_and_no_value_reaches_client_or_log(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "solvent.serving"):
        answer = client.post("/predict", {"records": [{"area": -4321.5, "rooms": 1}]}, x_request_id="r1")
    assert (answer.status, answer.body["error"]) == (500, "step price failed with ValueError")
    assert answer.body["problems"] == [{"step": "price", "type": "ValueError"}]
    (line,) = [json.loads(each.getMessage()) for each in caplog.records]
    assert (line["id"], line["type"]) == ("r1", "ValueError")
    assert line["where"][-1].endswith("tiny.py:12 price")
    assert "4321" not in caplog.text + json.dumps(answer.body)


def test_a_traceback_is_shown_to_those_who_asked_for_it(model: Model) -> None:
    answer = Client(tiny_app(model, tracebacks=True)).post("/predict", {"records": [{"area": -1, "rooms": 1}]})
    assert "no area is -1.0" in answer.body["problems"][0]["traceback"][-1]


def test_the_queue_is_bounded_a_slow_prediction_is_given_up_and_others_are_answered(model: Model) -> None:
    app = tiny_app(model, inline=False, queue_limit=1, predict_seconds=0.3)
    slow: Any = {"records": [{"area": 2000, "rooms": 0.5}]}

    async def crowd() -> list[Any]:
        client = Client(app)
        first = asyncio.create_task(client.ask("POST", "/predict", slow))
        await asyncio.sleep(0.02)
        second, third = (asyncio.create_task(client.ask("POST", "/predict", {"records": [ROW]})) for _ in range(2))
        await asyncio.sleep(0)
        return [await client.ask("GET", "/metrics"), await first, await second, await third]

    metrics, first, second, third = run(crowd())
    assert "solvent_queue 1.0" in metrics.body.decode()
    assert (first.status, second.status, third.status) == (504, 504, 429)
    assert third.headers["retry-after"] == "1"
    app.close()


def test_a_server_that_ends_is_not_ready_and_says_so(model: Model) -> None:
    app = tiny_app(model)
    client = Client(app)
    assert client.get("/v2/health/ready").status == client.get("/ping").status == 200
    app.drain()
    for answer in (client.get("/v2/health/ready"), client.post("/predict", {"records": [ROW]})):
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert client.get("/v2/health/live").status == 200


def test_the_access_log_has_a_line_for_each_request_and_none_of_its_values(
    model: Model, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "solvent.serving.access"):
        Client(tiny_app(model, access_log=True)).post("/predict", {"records": [{"area": 432.15, "rooms": 2}]})
    line = json.loads(caplog.records[-1].getMessage())
    assert (line["method"], line["route"], line["status"]) == ("POST", "/predict", 200)
    assert "432.15" not in caplog.text
