"""What an endpoint takes and gives, for people and programs: /schema and /openapi.json, made from the bundle's schemas."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from solvent.serving.folder import EXAMPLES
from solvent.serving.jsonschema import Tree, answers_schema, columns_schema, row_schema
from solvent.serving.model import Model
from solvent.serving.schema import schema_tree
from solvent.serving.settings import Settings

_TEXT = {"type": "string"}
_OBJECT = {"type": "object"}
_PROBLEM = {
    "type": "object",
    "properties": {
        "row": {"type": ["integer", "null"]},
        "column": {"type": ["string", "null"]},
        "problem": _TEXT,
    },
}
_TENSOR = {
    "type": "object",
    "properties": {
        "name": _TEXT,
        "datatype": _TEXT,
        "shape": {"type": "array", "items": {"type": "integer"}},
        "data": {"type": "array"},
    },
    "required": ["name", "datatype", "shape"],
}
_TENSORS = {
    "type": "object",
    "properties": {"id": _TEXT, "inputs": {"type": "array", "items": _TENSOR, "minItems": 1}},
    "required": ["inputs"],
}
_ERROR = {
    "type": "object",
    "properties": {"error": _TEXT, "problems": {"type": "array", "items": _PROBLEM}, "id": _TEXT},
    "required": ["error"],
}
REFUSALS = {
    400: "This can't be read.",
    401: "An API key is missing, or it is none of this server's.",
    404: "There is nothing at this path.",
    405: "This route knows other methods.",
    408: "The body did not arrive in time.",
    413: "There are too many bytes or rows.",
    415: "The body is not of a type that this route reads.",
    422: "A value, a column or a row is not as asked for; `problems` names it.",
    429: "Too many requests wait.",
    500: "A step failed; `problems` names it.",
    503: "No model is ready, or the server is ending.",
    504: "The prediction took too long.",
}
OPEN = ("/", "/ping", "/health", "/v2/health/live", "/v2/health/ready")
"""Routes that ask for no key."""
_HEADERS: Tree = {
    "Solvent-Model": {"description": "The model that answered, endpoint@version.", "schema": _TEXT},
    "Solvent-Bundle": {"description": "The digest of its bundle.", "schema": _TEXT},
    "X-Request-Id": {"description": "What the client sent, or what the server made.", "schema": _TEXT},
}


def schema_answer(model: Model, settings: Settings) -> Tree:
    """Say what is asked for and answered, with an example and the limits."""
    manifest = model.bundle.manifest
    return {
        "model": model.name,
        "bundle": model.digest,
        "request": schema_tree(manifest.request),
        "response": schema_tree(manifest.response),
        "limits": {
            "body_bytes": settings.body_limit_bytes,
            "rows": settings.row_limit,
            "body_seconds": settings.body_seconds,
            "predict_seconds": settings.predict_seconds,
        },
        "example": {"request": {"records": example_records(model, 1)}},
    }


def document(model: Model, *, keyed: bool) -> Tree:
    """Describe every route in OpenAPI 3.1; `keyed` says that the server asks for API keys."""
    manifest = model.bundle.manifest
    security: Tree = {"securitySchemes": _SCHEMES} if keyed else {}
    found = {
        "openapi": "3.1.0",
        "info": {
            "title": model.endpoint,
            "version": model.version or model.digest[:12],
            "description": f"Model {model.name}, bundle {model.digest}.",
        },
        "paths": _paths(model, keyed),
        "components": {
            "schemas": {
                "Row": row_schema(manifest.request),
                "Columns": columns_schema(manifest.request),
                "Request": _request(),
                "Answer": _answer(answers_schema(manifest.response)),
                "Error": _ERROR,
            },
            **security,
        },
    }
    return {**found, "security": [{"bearer": []}, {"key": []}]} if keyed else found


def example_records(model: Model, rows: int) -> list[dict[str, Any]]:
    """Give the first recorded rows, as a request has them; none where the bundle keeps none."""
    columns = read_examples(model).get("request", {})
    number = min(rows, min(map(len, columns.values()), default=0))
    return [{name: values[row] for name, values in columns.items()} for row in range(number)]


def read_examples(model: Model) -> Mapping[str, Mapping[str, Sequence[Any]]]:
    """Read the recorded rows of a bundle, as columns of request and response; nothing where there are none."""
    try:
        with open(os.path.join(model.bundle.folder, EXAMPLES), encoding="utf-8") as file:
            found: Mapping[str, Mapping[str, Sequence[Any]]] = json.load(file)
            return found
    except FileNotFoundError:
        return {}


_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def _request() -> Tree:
    row = {"$ref": "#/components/schemas/Row"}
    rows = {"type": "array", "items": row, "minItems": 1}
    return {"anyOf": [_only("records", rows), _only("columns", {"$ref": "#/components/schemas/Columns"}), rows, row]}


def _forms() -> Tree:
    rows = {"type": "array", "items": {"$ref": "#/components/schemas/Row"}, "minItems": 1}
    split = {
        "type": "object",
        "properties": {
            "columns": {"type": "array", "items": _TEXT},
            "data": {"type": "array", "items": {"type": "array"}, "minItems": 1},
        },
        "required": ["columns", "data"],
    }
    columns = {"$ref": "#/components/schemas/Columns"}
    return {"anyOf": [_only("dataframe_records", rows), _only("dataframe_split", split), _only("inputs", columns)]}


def _only(name: str, part: Tree) -> Tree:
    return {"type": "object", "properties": {name: part}, "required": [name], "additionalProperties": False}


def _answer(predictions: Tree) -> Tree:
    properties = {"predictions": predictions, "model": _TEXT, "bundle": _TEXT, "id": _TEXT}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _paths(model: Model, keyed: bool) -> Tree:
    predict = _post(
        "predict",
        "Answer rows, given as records or as columns.",
        {"$ref": "#/components/schemas/Request"},
        {"$ref": "#/components/schemas/Answer"},
        example={"records": example_records(model, 1)},
    )
    found: Tree = {
        "/predict": {"post": predict},
        "/invocations": {"post": _post("invocations", "Answer rows in MLflow's forms.", _forms(), _OBJECT)},
        "/": {"get": _get("page", "A page for people, with a form.", "text/html")},
        "/metrics": {"get": _get("metrics", "Counters and times, as Prometheus reads them.", "text/plain")},
        "/version": {"get": _get("version", "The version of Solvent.", "text/plain")},
        "/schema": {"get": _get("schema", "What is asked for and answered, the limits and an example.")},
        "/openapi.json": {"get": _get("openapi", "This document.")},
        "/v2": {"get": _get("v2", "The server, as the Open Inference Protocol tells it.")},
        "/v2/health/live": {"get": _get("v2_live", "Whether this server lives.")},
        "/v2/health/ready": {"get": _get("v2_ready", "Whether this server is ready.")},
        "/ping": {"get": _get("ping", "Whether this server is ready.")},
        "/health": {"get": _get("health", "Whether this server is ready.")},
    }
    named = f"/v2/models/{model.endpoint}"
    places = {"": named, **({"version_": f"{named}/versions/{model.version}"} if model.version else {})}
    for part, path in places.items():
        found[path] = {"get": _get(f"v2_{part}model", "The model's inputs and outputs.")}
        found[f"{path}/ready"] = {"get": _get(f"v2_{part}model_ready", "Whether this model is ready.")}
        found[f"{path}/infer"] = {"post": _post(f"v2_{part}infer", "Answer tensors by name.", _TENSORS, _OBJECT)}
    if keyed:
        for path in found:
            if path in OPEN or path.endswith("/ready"):
                found[path]["get"]["security"] = []
    return found


def _get(id: str, summary: str, media: str = "application/json") -> Tree:
    schema = _OBJECT if media == "application/json" else _TEXT
    return {
        "operationId": id,
        "summary": summary,
        "responses": {
            "200": {"description": "As asked.", "content": {media: {"schema": schema}}},
            **_refused(401, 503),
        },
    }


def _post(id: str, summary: str, body: Tree, answer: Tree, example: Any = None) -> Tree:
    told = {"schema": body} if example is None else {"schema": body, "example": example}
    return {
        "operationId": id,
        "summary": summary,
        "requestBody": {"required": True, "content": {"application/json": told}},
        "responses": {
            "200": {
                "description": "The answers, a value for each row.",
                "headers": _HEADERS,
                "content": {"application/json": {"schema": answer}},
            },
            **_refused(*(status for status in REFUSALS if status not in (404, 405))),
        },
    }


def _refused(*statuses: int) -> Tree:
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {str(status): {"description": REFUSALS[status], "content": error} for status in statuses}
