import json
import struct
from pathlib import Path
from typing import Any

import pytest

from solvent.deploy.schemas import schema_of
from solvent.serving.schema import Column, Schema
from solvent.serving.v2 import Tensors, error_body
from solvent.serving.wire import BadRequest, Codec
from tests.serving.servers import serving
from tests.serving.tiny import write_tiny

REQUEST = Schema(
    "builtins:list",
    (Column("a", "float64", "number", nullable=True), Column("n", "int32", "integer"), Column("t", "str", "text")),
    item="builtins:dict",
)
RESPONSE = Schema(
    "builtins:dict", (Column("p", "float64", "number"), Column("label", "str", "text")), item="builtins:list"
)
TENSORS = Tensors(Codec(REQUEST, RESPONSE), "m", "3")
INPUTS: list[dict[str, Any]] = [
    {"name": "a", "datatype": "FP64", "shape": [2], "data": [0.5, None]},
    {"name": "n", "datatype": "INT32", "shape": [2, 1], "data": [[1], [2]]},
    {"name": "t", "datatype": "BYTES", "shape": [2], "data": ["x", "é"]},
]
ROWS = [{"a": 0.5, "n": 1, "t": "x"}, {"a": None, "n": 2, "t": "é"}]


def body(inputs: Any, **more: Any) -> bytes:
    return json.dumps({"inputs": inputs, **more}).encode()


def refused(given: bytes, header_bytes: int | None = None, tensors: Tensors = TENSORS) -> str:
    with pytest.raises(BadRequest) as caught:
        tensors.decode(given, header_bytes)
    told: str = json.loads(error_body(caught.value))["error"]
    return told


def test_the_model_tells_a_tensor_for_each_column() -> None:
    assert TENSORS.metadata() == {
        "name": "m",
        "versions": ["3"],
        "platform": "solvent",
        "inputs": [
            {"name": "a", "datatype": "FP64", "shape": [-1]},
            {"name": "n", "datatype": "INT32", "shape": [-1]},
            {"name": "t", "datatype": "BYTES", "shape": [-1]},
        ],
        "outputs": [
            {"name": "p", "datatype": "FP64", "shape": [-1]},
            {"name": "label", "datatype": "BYTES", "shape": [-1]},
        ],
    }


def test_tensors_in_json_are_columns_by_name_in_any_order() -> None:
    found = TENSORS.decode(body(INPUTS[::-1], id="seven"))
    assert found.decoded.value == ROWS
    assert found.id == "seven"


def test_tensors_in_binary_data_are_read_in_the_order_of_the_inputs() -> None:
    blobs = [struct.pack("<2d", 0.5, float("nan")), struct.pack("<2i", 1, 2), b"\x01\0\0\0x\x02\0\0\0\xc3\xa9"]
    inputs = [
        {
            "name": each["name"],
            "datatype": each["datatype"],
            "shape": [2],
            "parameters": {"binary_data_size": len(blob)},
        }
        for each, blob in zip(INPUTS, blobs, strict=True)
    ]
    header = body(inputs)
    assert TENSORS.decode(header + b"".join(blobs), len(header)).decoded.value == ROWS
    assert "12 bytes follow" in refused(header + b"".join(blobs) + b"x" * 12, len(header))
    assert "bytes are left" in refused(header + b"".join(blobs)[:-1], len(header))
    assert "Inference-Header-Content-Length" in refused(header, len(header) + 1)


def test_an_answer_has_the_outputs_that_were_asked_for_in_the_wanted_encoding() -> None:
    answer = {"p": [0.25, float("nan")], "label": ["x", "é"]}
    plain = TENSORS.encode(TENSORS.decode(body(INPUTS, id="1")), answer)
    assert plain.header_bytes is None
    assert json.loads(plain.body) == {
        "model_name": "m",
        "model_version": "3",
        "id": "1",
        "outputs": [
            {"name": "p", "datatype": "FP64", "shape": [2], "data": [0.25, None]},
            {"name": "label", "datatype": "BYTES", "shape": [2], "data": ["x", "é"]},
        ],
    }
    asked = TENSORS.decode(body(INPUTS, outputs=[{"name": "label", "parameters": {"binary_data": True}}]))
    binary = TENSORS.encode(asked, answer)
    assert binary.body[binary.header_bytes :] == b"\x01\0\0\0x\x02\0\0\0\xc3\xa9"
    assert json.loads(binary.body[: binary.header_bytes])["outputs"] == [
        {"name": "label", "datatype": "BYTES", "shape": [2], "parameters": {"binary_data_size": 11}}
    ]
    every = TENSORS.encode(TENSORS.decode(body(INPUTS, parameters={"binary_data_output": True})), answer)
    assert every.body[every.header_bytes or 0 :].startswith(struct.pack("<2d", 0.25, float("nan")))


def test_a_matrix_has_to_name_its_columns() -> None:
    import numpy as np

    tensors = Tensors(Codec(schema_of(np.zeros((2, 2)), ["a", "b"]), RESPONSE), "m")
    matrix = {"name": "rows", "datatype": "FP64", "shape": [2, 2], "data": [[1.0, 2.0], [3.0, 4.0]]}
    assert "does not name its columns" in refused(body([matrix]), None, tensors)
    for columns in ("b,a", '["b", "a"]'):
        found = tensors.decode(body([matrix], parameters={"columns": columns}))
        assert found.decoded.value.tolist() == [[2.0, 1.0], [4.0, 3.0]]
    own = {**matrix, "parameters": {"columns": "a,c"}}
    assert refused(body([own]), None, tensors) == "column 'c': unknown column; column 'b': missing column"


def test_an_image_is_a_tensor_with_its_sides() -> None:
    import numpy as np

    images = np.arange(18.0).reshape(2, 3, 3)
    tensors = Tensors(Codec(schema_of(images, ["image"]), RESPONSE), "m")
    assert tensors.metadata()["inputs"] == [{"name": "image", "datatype": "FP64", "shape": [-1, 3, 3]}]
    given = {"name": "image", "datatype": "FP64", "shape": [2, 3, 3], "data": images.ravel().tolist()}
    assert (tensors.decode(body([given])).decoded.value == images).all()
    assert "expected the shape [rows, 3, 3]" in refused(body([{**given, "shape": [2, 9]}]), None, tensors)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": "b"}, "column 'b': unknown column"),
    ({"datatype": "FP32"}, "expected the datatype FP64, found FP32"),
    ({"datatype": "FP63"}, "there is no datatype \"FP63\"; did you mean 'FP64'?"),
    ({"shape": [3]}, "2 values make no tensor of the shape [3]"),
    ({"shape": [1, 2]}, "expected the shape [rows], found [1, 2]"),
    ({"shape": "x"}, "expected a shape like [1]"),
    ({"shape": [1] * 9}, "expected a shape like [1]"),
    ({"data": [[0.5], [1.5]]}, "row 0, column 'a': expected a number, found a list"),
    ({"data": ["x", 1]}, "row 0, column 'a': expected a number"),
    ({"data": 5}, 'expected "data" to be a list, found 5'),
    ({"parameters": 5}, 'expected "parameters" to be an object'),
]


@pytest.mark.parametrize(("change", "problem"), WRONG)
def test_a_tensor_that_is_wrong_is_named(change: dict[str, Any], problem: str) -> None:
    assert problem in refused(body([{**INPUTS[0], **change}, *INPUTS[1:]]))


def test_a_request_that_is_none_says_why() -> None:
    assert "no JSON" in refused(b"{")
    assert 'expected "inputs" to be a list of tensors' in refused(b"{}")
    assert "column 't': missing column" in refused(body(INPUTS[:2]))
    assert "two tensors have this name" in refused(body([*INPUTS, INPUTS[0]]))
    assert 'there is no output "q"' in refused(body(INPUTS, outputs=[{"name": "q"}]))


@pytest.mark.slow
def test_the_official_client_gets_right_answers_from_a_server(tmp_path: Path) -> None:
    pytest.importorskip("solvent.serving.protocols")
    client_of: Any = pytest.importorskip("tritonclient.http", reason="the official client of V2 is not installed")
    import numpy as np

    with serving(write_tiny(tmp_path / "bundle", 3.0)) as server:
        client = client_of.InferenceServerClient(server.url.removeprefix("http://"))
        assert client.is_server_ready()
        assert client.is_model_ready("tiny")
        assert [each["name"] for each in client.get_model_metadata("tiny")["inputs"]] == ["a", "b"]
        for binary in (True, False):
            inputs = []
            for name, values in (("a", [0.5, 1.5]), ("b", [1.0, 2.0])):
                inputs.append(client_of.InferInput(name, [2], "FP64"))
                inputs[-1].set_data_from_numpy(np.array(values), binary_data=binary)
            answer = client.infer("tiny", inputs, request_id="seven")
            assert answer.as_numpy("value").tolist() == [13.5, 24.5]
            assert answer.get_response()["id"] == "seven"
        matrix = client_of.InferInput("rows", [1, 2], "FP64")
        matrix.set_data_from_numpy(np.array([[1.0, 0.5]]))
        named = client.infer("tiny", [matrix], parameters={"columns": "b,a"})
        assert named.as_numpy("value").tolist() == [13.5]
        with pytest.raises(Exception, match="does not name its columns"):
            client.infer("tiny", [matrix])
