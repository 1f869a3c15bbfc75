"""The page for people: what this endpoint is, and a form made from its schema that asks it."""

from __future__ import annotations

import base64
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import sha256
from html import escape
from typing import Any

from solvent.serving.jsonschema import range_words
from solvent.serving.model import Model
from solvent.serving.openapi import example_records
from solvent.serving.schema import Column

HTML = (b"content-type", b"text/html; charset=utf-8")
_FOLDER = os.path.join(os.path.dirname(__file__), "page")
_EXAMPLES = 8


def page(model: Model, *, keyed: bool) -> bytes:
    """Write the page. Where keys are asked for it holds nothing of the model but its name: the script asks with the key."""
    from solvent import __version__

    # In a script "<" could end it; in JSON it has another spelling.
    about = json.dumps(None if keyed else about_page(model, keyed=False), ensure_ascii=False).replace("<", "\\u003c")
    parts = {
        "title": escape(model.endpoint),
        "style": _read("page.css"),
        "about": about,
        "script": _read("page.js"),
        "version": __version__,
    }
    # Odd pieces are names of parts.
    pieces = re.split(r"\{\{(\w+)\}\}", _read("page.html"))
    text = "".join(parts[piece] if place % 2 else piece for place, piece in enumerate(pieces))
    return text.encode("utf-8", "replace")


@cache
def page_headers() -> list[tuple[bytes, bytes]]:
    """Give the headers of the page: only its own script and style, and only requests to this server."""
    script, style = _hash("page.js"), _hash("page.css")
    policy = (
        f"default-src 'none'; script-src '{script}'; style-src '{style}'; connect-src 'self'; img-src data:;"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return [
        HTML,
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"cache-control", b"no-cache"),
    ]


def about_page(model: Model, *, keyed: bool) -> dict[str, Any]:
    """Give what the script of the page shows: facts, columns and examples."""
    manifest = model.bundle.manifest
    answers = ", ".join(each.name for each in manifest.response.columns)
    number = len(manifest.request.columns)
    return {
        "keyed": keyed,
        "lead": f"Answers {answers if answers != 'value' else 'a value'} for each row of {number} columns.",
        "facts": list(_facts(model)),
        "columns": [_column(each) for each in manifest.request.columns],
        "examples": example_records(model, _EXAMPLES),
    }


def _facts(model: Model) -> Iterator[tuple[str, str, str]]:
    """Give a name, a value and what is told on a closer look."""
    known = model.annotations
    if model.version:
        yield "Model version", model.name, ""
    yield "Bundle", model.digest[:12], model.digest
    if isinstance(known.get("run"), str):
        yield "From run", known["run"], ""
    if isinstance(made := known.get("made_at"), int | float):
        yield "Made", time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(made)), ""
    figures = known.get("figures")
    for name, value in (figures if isinstance(figures, Mapping) else {}).items():
        yield str(name), f"{value:.4g}" if isinstance(value, float) else str(value), ""
    if model.bundle.manifest.backend != "python":
        yield "Backend", model.bundle.manifest.backend, ""


def _column(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.type,
        "kind": column.kind,
        "nullable": column.nullable,
        "categories": [] if column.sensitive else list(column.categories),
        "seen": range_words(column),
    }


def _hash(name: str) -> str:
    return "sha256-" + base64.b64encode(sha256(_read(name).encode()).digest()).decode()


@cache
def _read(name: str) -> str:
    with open(os.path.join(_FOLDER, name), encoding="utf-8") as file:
        return file.read()
