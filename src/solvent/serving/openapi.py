"""What an endpoint takes and gives, for people and programs: /schema and /openapi.json, made from the bundle's schemas."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from solvent.serving.folder import EXAMPLES
from solvent.serving.model import Model
from solvent.serving.schema import schema_tree
from solvent.serving.settings import Settings


def schema_answer(model: Model, settings: Settings) -> dict[str, Any]:
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


def example_records(model: Model, rows: int) -> list[dict[str, Any]]:
    """Give the first recorded rows, as a request has them; none where the bundle keeps none."""
    columns = examples(model).get("request", {})
    number = min(rows, min(map(len, columns.values()), default=0))
    return [{name: values[row] for name, values in columns.items()} for row in range(number)]


def examples(model: Model) -> Mapping[str, Mapping[str, Sequence[Any]]]:
    try:
        with open(os.path.join(model.bundle.folder, EXAMPLES), encoding="utf-8") as file:
            found: Mapping[str, Mapping[str, Sequence[Any]]] = json.load(file)
            return found
    except FileNotFoundError:
        return {}
