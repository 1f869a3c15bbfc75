"""The Open Inference Protocol, version 2: a tensor for each column, as JSON or as binary data behind it.

https://github.com/kserve/open-inference-protocol and Triton's binary tensor data extension. No HTTP: bytes in, values out.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from solvent.serving.bodies import UNREADABLE, duplicates, ragged
from solvent.serving.cells import integer_bounds, number_limit
from solvent.serving.refusals import BadRequest, Problem, near, shown
from solvent.serving.schema import BOOLEAN, INTEGER, NUMBER, OTHER, Column, Schema
from solvent.serving.wire import Codec, Decoded

BYTES = "BYTES"
_FORMATS = {
    "BOOL": "?",
    "INT8": "b",
    "INT16": "h",
    "INT32": "i",
    "INT64": "q",
    "UINT8": "B",
    "UINT16": "H",
    "UINT32": "I",
    "UINT64": "Q",
    "FP16": "e",
    "FP32": "f",
    "FP64": "d",
}
"""The datatypes with a size of their own, as `struct` writes them; all little-endian."""
_LENGTH = struct.Struct("<I")
_MOST_SIDES = 8
_FP16_LIMIT = 70_000.0


class TensorRequest(NamedTuple):
    """A request in tensors: what it asks, its `id`, the wanted outputs (None for all), and which of them as binary data."""

    decoded: Decoded
    id: str
    outputs: tuple[str, ...] | None
    binary: frozenset[str]


class TensorAnswer(NamedTuple):
    """The body of an answer; `header_bytes` is the length of its JSON where binary data follows it, else None.

    It goes into the header Inference-Header-Content-Length, and the content type is application/octet-stream then.
    """

    body: bytes
    header_bytes: int | None


def datatype_of(column: Column) -> str:
    """Give the datatype of a column's tensor; what is neither number nor boolean is BYTES, as text."""
    if column.kind == BOOLEAN:
        return "BOOL"
    if column.kind == INTEGER:
        bounds = integer_bounds(column) or (-(2**63), 2**63 - 1)
        bits = (bounds[1] - bounds[0]).bit_length()
        return f"{'U' if bounds[0] == 0 else ''}INT{bits}" if bits <= 64 else BYTES
    if column.kind == NUMBER:
        limit = number_limit(column)
        return "FP64" if limit is None else "FP16" if limit < _FP16_LIMIT else "FP32"
    if column.kind == OTHER and column.type.startswith(("float", "int", "uint", "bool")):
        kind = {"f": NUMBER, "b": BOOLEAN}.get(column.type[0], INTEGER)
        return datatype_of(Column(column.name, column.type, kind))
    return BYTES


def tensors_of(schema: Schema) -> list[dict[str, Any]]:
    """Describe the tensors of a schema: one for each column, with any number of rows."""
    inner = list(schema.shape[0:]) if schema.shape is not None and len(schema.shape) > 1 else []
    return [{"name": each.name, "datatype": datatype_of(each), "shape": [-1, *inner]} for each in schema.columns]


class Tensors:
    """Reads requests and writes answers in tensors, through the checks of a codec."""

    def __init__(self, codec: Codec, name: str, version: str = "") -> None:
        self._codec = codec
        self._name = name
        self._version = version
        self._inner = tuple(codec.request.shape or ()) if len(codec.request.shape or ()) > 1 else ()
        self._columns = {each.name: each for each in codec.request.columns}
        self._outputs = {each["name"]: each for each in tensors_of(codec.response)}

    def metadata(self) -> dict[str, Any]:
        """Describe the model."""
        return {
            "name": self._name,
            "versions": [self._version] if self._version else [],
            "platform": "solvent",
            "inputs": tensors_of(self._codec.request),
            "outputs": list(self._outputs.values()),
        }

    def decode(self, body: bytes, header_bytes: int | None = None) -> TensorRequest:
        """Read a request; `header_bytes` is what Inference-Header-Content-Length says. BadRequest says what is wrong."""
        tree, rest = _split(body, header_bytes)
        inputs = tree.get("inputs")
        if not isinstance(inputs, list) or not inputs:
            raise BadRequest(f'expected "inputs" to be a list of tensors, found {shown(inputs)}')
        tensors = [_Tensor(each) for each in inputs]
        for each in tensors:
            rest = each.fill(rest)
        if rest:
            raise BadRequest(f"{len(rest)} bytes follow the last tensor")
        decoded = self._codec.decode_columns(self._to_columns(tensors, _parameters(tree)))
        outputs, binary = self._wanted(tree)
        return TensorRequest(decoded, _id(tree), outputs, binary)

    def _to_columns(self, tensors: list[_Tensor], parameters: Mapping[str, Any]) -> list[list[Any]]:
        first = tensors[0]
        if len(tensors) == 1 and len(first.shape) == 2 and not self._inner:
            names = _names(first.parameters.get("columns", parameters.get("columns")))
            if names is not None or first.name not in self._columns:
                return self._from_matrix(first, names)
        found = self._by_name(tensors)
        for name, tensor in found.items():
            tensor.check(self._columns[name], self._inner)
        lengths = {name: tensor.shape[0] for name, tensor in found.items()}
        if len(set(lengths.values())) > 1:
            raise BadRequest(ragged(lengths))
        return _with_rows([found[name].rows() for name in self._columns])

    def _by_name(self, tensors: list[_Tensor]) -> dict[str, _Tensor]:
        found: dict[str, _Tensor] = {}
        problems = []
        for each in tensors:
            if each.name not in self._columns:
                problems.append(Problem(f"unknown column{near(each.name, self._columns)}", None, each.name))
            elif each.name in found:
                problems.append(Problem("two tensors have this name", None, each.name))
            found[each.name] = each
        problems += [Problem("missing column", None, name) for name in self._columns if name not in found]
        if problems:
            raise BadRequest(problems)
        return found

    def _from_matrix(self, tensor: _Tensor, names: list[str] | None) -> list[list[Any]]:
        """Take a matrix apart; its columns have to be named, for nobody sees whether they are in the right order."""
        wanted = list(self._columns)
        if names is None:
            raise BadRequest(
                f'tensor {tensor.name!r} does not name its columns; send one tensor for each, or the parameter "columns": '
                f"{json.dumps(','.join(wanted[:4]), ensure_ascii=False)}{'...' if len(wanted) > 4 else ''}"
            )
        if len(names) != tensor.shape[1] or len(set(names)) != len(names):
            raise BadRequest(f'"columns" names {len(set(names))} columns, and the tensor has {tensor.shape[1]}')
        problems = [Problem(f"unknown column{near(name, wanted)}", None, name) for name in names if name not in wanted]
        problems += [Problem("missing column", None, name) for name in wanted if name not in names]
        if problems:
            raise BadRequest(problems)
        for column in self._columns.values():
            tensor.check_type(column)
        width = len(names)
        return _with_rows([tensor.values[names.index(name) :: width] for name in wanted])

    def _wanted(self, tree: Mapping[str, Any]) -> tuple[tuple[str, ...] | None, frozenset[str]]:
        every = _parameters(tree).get("binary_data_output") is True
        asked = tree.get("outputs")
        if asked is None or asked == []:
            return None, frozenset(self._outputs) if every else frozenset()
        if not isinstance(asked, list) or not all(isinstance(each, dict) for each in asked):
            raise BadRequest(f'expected "outputs" to be a list of objects, found {shown(asked)}')
        names, binary = [], set()
        for each in asked:
            name = each.get("name")
            if not isinstance(name, str) or name not in self._outputs:
                raise BadRequest(f"there is no output {shown(name)}{near(name, self._outputs)}")
            parameters = _parameters(each)
            if parameters.get("classification"):
                raise BadRequest(f"output {name!r}: classification is not offered")
            names.append(name)
            if parameters.get("binary_data", every) is True:
                binary.add(name)
        return tuple(dict.fromkeys(names)), frozenset(binary)

    def encode(self, asked: TensorRequest, answer: Any) -> TensorAnswer:
        """Write an answer; BadAnswer if it is not as the recorded one."""
        columns = self._codec.answers.columns(answer, asked.decoded.rows)
        outputs, blobs = [], []
        for name in asked.outputs or self._outputs:
            about, values = self._outputs[name], columns[name]
            shape = [len(values), *about["shape"][1:]]
            output: dict[str, Any] = {"name": name, "datatype": about["datatype"], "shape": shape}
            flat = _flat(values, len(shape)) if about["datatype"] != BYTES else list(map(_text, values))
            blob = to_binary(flat, about["datatype"]) if name in asked.binary else None
            if blob is None:
                output["data"] = flat
            else:
                output["parameters"] = {"binary_data_size": len(blob)}
                blobs.append(blob)
            outputs.append(output)
        head = (
            {"model_name": self._name, "model_version": self._version} if self._version else {"model_name": self._name}
        )
        header = msgspec.json.encode({**head, **({"id": asked.id} if asked.id else {}), "outputs": outputs})
        return TensorAnswer(b"".join((header, *blobs)), len(header)) if blobs else TensorAnswer(header, None)


class _Tensor:
    """One input: its name, datatype and shape, and, once it is filled, its values in a row."""

    def __init__(self, tree: Any) -> None:
        if not isinstance(tree, dict) or not isinstance(tree.get("name"), str):
            raise BadRequest(f"expected a tensor with a name, found {shown(tree)}")
        self.name: str = tree["name"]
        datatype = tree.get("datatype")
        if not isinstance(datatype, str) or (datatype != BYTES and datatype not in _FORMATS):
            raise self._problem(f"there is no datatype {shown(datatype)}{near(datatype, [BYTES, *_FORMATS])}")
        self.datatype = datatype
        shape = tree.get("shape")
        if (
            not isinstance(shape, list)
            or not shape
            or len(shape) > _MOST_SIDES
            or not all(type(each) is int and 0 <= each < 2**40 for each in shape)
        ):
            raise self._problem(f"expected a shape like [1], found {json.dumps(shape)[:60]}")
        self.shape: list[int] = shape
        self.parameters = _parameters(tree)
        self.values: list[Any] = []
        self._data = tree.get("data")

    def _problem(self, problem: str) -> BadRequest:
        return BadRequest([Problem(problem, None, self.name)])

    def fill(self, rest: memoryview) -> memoryview:
        """Read the values, from JSON or from the binary data, and give what is left of that."""
        size = self.parameters.get("binary_data_size")
        if size is None:
            if not isinstance(self._data, list):
                raise self._problem(f'expected "data" to be a list, found {shown(self._data)}')
            self.values = _leaves(self._data, len(self.shape))
        else:
            if type(size) is not int or size < 0 or size > len(rest) or self._data is not None:
                raise self._problem(f"binary_data_size is {shown(size)}, and {len(rest)} bytes are left")
            self.values = self._from_binary(bytes(rest[:size]))
            rest = rest[size:]
        if len(self.values) != math.prod(self.shape):
            raise self._problem(f"{len(self.values)} values make no tensor of the shape {self.shape}")
        return rest

    def _from_binary(self, data: bytes) -> list[Any]:
        try:
            if self.datatype == BYTES:
                return _texts(data)
            form = _FORMATS[self.datatype]
            found: list[Any] = list(struct.unpack(f"<{len(data) // struct.calcsize(f'<{form}')}{form}", data))
        except (struct.error, UnicodeDecodeError) as error:
            raise self._problem(f"the binary data is no {self.datatype}: {error}") from None
        # A number that is none is how binary data says that a value is missing.
        return [None if each != each else each for each in found] if self.datatype.startswith("FP") else found

    def check(self, column: Column, inner: tuple[int, ...]) -> None:
        """Hold datatype and shape against those of a column."""
        self.check_type(column)
        if self.shape[1:] not in ([], [1]) if not inner else tuple(self.shape[1:]) != inner:
            wanted = ["rows", *inner]
            raise self._problem(f"expected the shape [{', '.join(map(str, wanted))}], found {self.shape}")

    def check_type(self, column: Column) -> None:
        wanted = datatype_of(column)
        if self.datatype != wanted and not _holds(wanted, self.datatype):
            raise BadRequest([Problem(f"expected the datatype {wanted}, found {self.datatype}", None, column.name)])

    def rows(self) -> list[Any]:
        """Give one value for each row: of a tensor with more sides nested lists."""
        found = self.values
        sides = [] if self.shape[1:] == [1] else self.shape[1:]
        for side in reversed(sides):
            found = [found[at : at + side] for at in range(0, len(found), side)] if side else []
        return found


def _holds(wanted: str, given: str) -> bool:
    """Whether a datatype can be given for another one without loss: integers are looked at value by value."""
    integers = ("INT", "UINT")
    if wanted.startswith(integers):
        return given.startswith(integers)
    if wanted.startswith("FP"):
        return given == "FP64" or (given.startswith(integers) and not given.endswith("64"))
    return False


def _split(body: bytes, header_bytes: int | None) -> tuple[dict[str, Any], memoryview]:
    if header_bytes is not None and not 0 <= header_bytes <= len(body):
        raise BadRequest(f"Inference-Header-Content-Length is {header_bytes}, and the body has {len(body)} bytes", 400)
    end = len(body) if header_bytes is None else header_bytes
    header = body[:end]
    try:
        tree = msgspec.json.decode(header)
    except UNREADABLE as error:
        told = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise BadRequest(f"the request is no JSON: {told}", 400) from None
    if not isinstance(tree, dict):
        raise BadRequest(f"expected an object, found {shown(tree)}")
    if twice := duplicates(header, ()):
        raise BadRequest(twice)
    return tree, memoryview(body)[end:]


def _parameters(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    found = tree.get("parameters")
    if found is not None and not isinstance(found, dict):
        raise BadRequest(f'expected "parameters" to be an object, found {shown(found)}')
    return found or {}


def _id(tree: Mapping[str, Any]) -> str:
    found = tree.get("id", "")
    if not isinstance(found, str):
        raise BadRequest(f'expected "id" to be a text, found {shown(found)}')
    return found


def _names(given: Any) -> list[str] | None:
    """Read the names of a matrix's columns: a list, a list as JSON text, or names with commas between."""
    if isinstance(given, str):
        if given.startswith("["):
            try:
                given = msgspec.json.decode(given)
            except UNREADABLE:
                given = None
        else:
            given = given.split(",")
    if given is None:
        return None
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise BadRequest(f'expected "columns" to be names, found {shown(given)}')
    return given


def _with_rows(columns: list[list[Any]]) -> list[list[Any]]:
    if not columns[0]:
        raise BadRequest("the request has no rows")
    return columns


def _leaves(data: list[Any], sides: int) -> list[Any]:
    """Give the values of a tensor in a row; they may be nested as its sides are, or flat."""
    for _ in range(sides - 1):
        if not all(isinstance(each, list) for each in data):
            break
        data = [inner for each in data for inner in each]
    return data


def _texts(data: bytes) -> list[str]:
    """Read BYTES: each text after its length, 4 bytes."""
    found, at = [], 0
    while at < len(data):
        (length,) = _LENGTH.unpack_from(data, at)
        at += 4
        if at + length > len(data):
            raise struct.error("a text is longer than the data")
        found.append(data[at : at + length].decode())
        at += length
    return found


def _flat(values: Sequence[Any], sides: int) -> list[Any]:
    found = list(values)
    for _ in range(sides - 1):
        found = [inner for each in found for inner in each]
    return found


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else msgspec.json.encode(value).decode()


def to_binary(values: Sequence[Any], datatype: str) -> bytes | None:
    """Write values as binary data; None if one is missing for which binary data has no word."""
    if datatype.startswith("FP"):
        values = [math.nan if each is None else each for each in values]
    elif any(each is None for each in values):
        return None
    if datatype == BYTES:
        texts = [each.encode() for each in values]
        return b"".join(part for each in texts for part in (_LENGTH.pack(len(each)), each))
    return struct.pack(f"<{len(values)}{_FORMATS[datatype]}", *values)


def error_body(error: BadRequest | str) -> bytes:
    """Write what is wrong as the protocol has it: one sentence."""
    if isinstance(error, str):
        return msgspec.json.encode({"error": error})
    told = [_sentence(each) for each in error.problems]
    return msgspec.json.encode({"error": "; ".join(told) or str(error)})


def _sentence(problem: Mapping[str, Any]) -> str:
    place = [f"{name} {problem[name]!r}" for name in ("row", "column") if problem[name] is not None]
    return f"{', '.join(place)}: {problem['problem']}" if place else str(problem["problem"])
