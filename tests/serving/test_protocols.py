"""Other protocols over the application: V2 tensors and MLflow's forms, with the errors of each."""

import struct

import pytest

from solvent.serving.model import Model
from tests.serving.apps import Client, tiny_app, tiny_model

TENSORS = {
    "id": "mine",
    "inputs": [
        {"name": "area", "datatype": "FP64", "shape": [2], "data": [1, 10]},
        {"name": "rooms", "datatype": "FP64", "shape": [2], "data": [1, 2]},
    ],
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return tiny_model(tmp_path_factory.mktemp("tiny") / "bundle")


@pytest.fixture
def client(model: Model) -> Client:
    return Client(tiny_app(model))


@pytest.mark.parametrize("path", ["/v2/models/tiny/infer", "/v2/models/tiny/versions/3/infer"])
def test_tensors_are_answered_in_tensors(client: Client, model: Model, path: str) -> None:
    answer = client.post(path, TENSORS)
    assert answer.body == {
        "model_name": "tiny",
        "model_version": "3",
        "id": "mine",
        "outputs": [{"name": "value", "datatype": "FP64", "shape": [2], "data": [3.0, 22.0]}],
    }
    assert answer.headers["solvent-bundle"] == model.digest


def test_binary_tensors_are_answered_in_binary(client: Client) -> None:
    data = struct.pack("<4d", 1, 10, 1, 2)
    header = (
        b'{"inputs":[{"name":"area","datatype":"FP64","shape":[2],"parameters":{"binary_data_size":16}},'
        b'{"name":"rooms","datatype":"FP64","shape":[2],"parameters":{"binary_data_size":16}}],'
        b'"outputs":[{"name":"value","parameters":{"binary_data":true}}]}'
    )
    answer = client.post(
        "/v2/models/tiny/infer",
        header + data,
        content_type="application/octet-stream",
        inference_header_content_length=str(len(header)),
    )
    assert answer.headers["content-type"] == "application/octet-stream"
    told = int(answer.headers["inference-header-content-length"])
    assert struct.unpack("<2d", answer.body[told:]) == (3.0, 22.0)


def test_the_server_and_its_models_are_described(client: Client) -> None:
    assert client.get("/v2").body["name"] == "solvent"
    told = client.get("/v2/models/tiny").body
    assert told["versions"] == ["3"]
    assert told["inputs"][0] == {"name": "area", "datatype": "FP64", "shape": [-1]}
    assert client.get("/v2/models/tiny/versions/3/ready").body["ready"] is True


def test_errors_have_the_form_of_their_protocol(client: Client) -> None:
    lost = client.post("/v2/models/tony/infer", TENSORS)
    assert (lost.status, lost.body) == (404, {"error": "there is no model tony; there is tiny@3"})
    assert client.get("/v2/models/tiny/versions/9").status == 404
    assert client.get("/v2/nothing").body.keys() == {"error"}
    wrong = client.post("/v2/models/tiny/infer", {"inputs": TENSORS["inputs"][:1]})
    assert (wrong.status, wrong.body) == (422, {"error": "column 'rooms': missing column"})
    assert client.post("/v2/models/tiny/infer", TENSORS, inference_header_content_length="x").status == 400
    failed = [{**each, "data": [-1, -1]} for each in TENSORS["inputs"] if isinstance(each, dict)]
    answer = client.post("/v2/models/tiny/infer", {"inputs": failed})
    assert (answer.status, answer.body["error"]) == (500, "step price failed with ValueError")


def test_forms_of_mlflow_are_answered(client: Client) -> None:
    split = {"dataframe_split": {"columns": ["rooms", "area"], "data": [[2, 10]]}}
    assert client.post("/invocations", split).body["predictions"] == [22.0]
    csv = client.post("/invocations", b"rooms,area\n2,10\n", content_type="text/csv")
    assert csv.body["predictions"] == [22.0]
    wrong = client.post("/invocations", {"instances": [[10, 2]]})
    assert wrong.status == 422
    assert "order" in wrong.body["error"]
