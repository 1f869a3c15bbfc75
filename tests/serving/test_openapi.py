"""What a server tells about itself is true: its own answers fit the schemas of /openapi.json."""

from pathlib import Path
from typing import Any

import pytest

from solvent.serving.keys import Keys
from solvent.serving.openapi import document
from tests.serving.apps import ROW, Client, tiny_app, tiny_model


def refs(tree: Any) -> list[str]:
    """Give all references of a document."""
    if isinstance(tree, dict):
        own = [tree["$ref"]] if isinstance(tree.get("$ref"), str) else []
        return own + [ref for each in tree.values() for ref in refs(each)]
    return [ref for each in tree for ref in refs(each)] if isinstance(tree, list) else []


def test_every_route_is_described_and_every_reference_leads_somewhere(tmp_path: Path) -> None:
    app = tiny_app(tiny_model(tmp_path / "bundle"))
    told = Client(app).get("/openapi.json").body
    assert told["openapi"] == "3.1.0"
    paths = {path.replace("{m}", "tiny").replace("{v}", "3") for path in app.routes.all}
    assert set(told["paths"]) == paths
    for path, methods in told["paths"].items():
        known = next(
            route for name, route in app.routes.all.items() if name.replace("{m}", "tiny").replace("{v}", "3") == path
        )
        assert {each.upper() for each in methods} == set(known.methods)
    for ref in refs(told):
        part = told
        for name in ref.removeprefix("#/").split("/"):
            part = part[name]


def test_keys_are_told_where_they_are_asked_for(tmp_path: Path) -> None:
    model = tiny_model(tmp_path / "bundle")
    assert "security" not in document(model, keyed=False)
    told = document(model, keyed=True)
    assert told["security"] == [{"bearer": []}, {"key": []}]
    assert told["paths"]["/ping"]["get"]["security"] == []
    assert "security" not in told["paths"]["/predict"]["post"]
    answer = Client(tiny_app(model, Keys([("0123456789abcdef", "a")]))).get(
        "/openapi.json", x_api_key="0123456789abcdef"
    )
    assert set(answer.body["components"]["securitySchemes"]) == {"bearer", "key"}


@pytest.mark.slow
def test_requests_answers_and_errors_are_as_described(tmp_path: Path) -> None:
    from jsonschema import Draft202012Validator

    client = Client(tiny_app(tiny_model(tmp_path / "bundle")))
    told = client.get("/openapi.json").body

    def valid(name: str, tree: Any) -> bool:
        schema = {"$ref": f"#/components/schemas/{name}", "components": told["components"]}
        Draft202012Validator.check_schema(schema)
        return bool(Draft202012Validator(schema).is_valid(tree))

    example = told["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["example"]
    for body in (example, {"records": [ROW]}, {"columns": {"area": [1, 2], "rooms": [3, 4]}}):
        answer = client.post("/predict", body)
        assert valid("Request", body)
        assert answer.status == 200
        assert valid("Answer", answer.body)
    for body in ({"records": [{"area": "much", "rooms": 1}]}, {"records": [{"area": 1}]}, {"rows": []}):
        answer = client.post("/predict", body)
        assert not valid("Request", body)
        assert answer.status == 422
        assert valid("Error", answer.body)
