"""API keys: read from a file or the environment, asked for on every route but those for health, and never shown."""

from pathlib import Path

import pytest

from solvent.errors import ConfigError
from solvent.serving.exchange import Refusal
from solvent.serving.keys import Keys, read_keys, require_keys
from solvent.serving.model import Model
from tests.serving.apps import ROW, Client, tiny_app, tiny_model

KEY = "4f1a9c52e07bd836"
BODY = {"records": [ROW]}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return tiny_model(tmp_path_factory.mktemp("tiny") / "bundle")


def test_who_has_a_key_is_answered_by_either_header_and_nobody_else(model: Model) -> None:
    client = Client(tiny_app(model, Keys([(KEY, "ana"), ("another key of ours", "bo")])))
    assert client.post("/predict", BODY, authorization=f"Bearer {KEY}").status == 200
    assert client.post("/predict", BODY, x_api_key=KEY).status == 200
    for headers in ({}, {"x_api_key": KEY[:-1]}, {"authorization": f"Basic {KEY}"}, {"authorization": "Bearer "}):
        answer = client.post("/predict", BODY, **headers)
        assert (answer.status, answer.headers["www-authenticate"]) == (401, 'Bearer realm="solvent"')
        assert "predictions" not in answer.body
    assert client.get("/schema").status == client.get("/metrics").status == 401


def test_health_is_open_and_the_page_tells_nothing_of_the_model_without_a_key(model: Model) -> None:
    client = Client(tiny_app(model, Keys([(KEY, "ana")])))
    assert {client.get(path).status for path in ("/ping", "/v2/health/live", "/v2/health/ready", "/")} == {200}
    assert b"rooms" not in client.get("/").body
    assert b"rooms" in Client(tiny_app(model)).get("/").body


def test_keys_are_read_with_their_names_from_a_file_or_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"# for the shop\n\n{KEY} the shop\nfedcba9876543210\n")
    keys = read_keys(str(path))
    assert keys is not None
    assert keys.check({b"x-api-key": KEY.encode()}) == "the shop"
    assert keys.check({b"x-api-key": b"fedcba9876543210"}) == "key 2"
    assert read_keys(None, {"SOLVENT_SERVE_KEYS": KEY}) is not None
    assert read_keys(None, {}) is None


@pytest.mark.parametrize("text", ["", "# nothing\n", "0123abc\n", "schlüssel-schlüssel-1\n"])
def test_a_file_without_good_keys_starts_no_server_and_is_not_quoted(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        read_keys(str(path))
    assert "openssl rand" in str(refused.value)
    assert not text.strip("#\n ") or text.strip() not in str(refused.value)
    with pytest.raises(ConfigError, match="can't be read"):
        read_keys(str(tmp_path / "none"))


def test_keys_are_nowhere_in_memory_that_is_shown() -> None:
    keys = Keys([(KEY, "ana")])
    assert KEY not in repr(vars(keys))
    with pytest.raises(Refusal) as refused:
        keys.check({b"x-api-key": b"a key of another server"})
    assert "another" not in refused.value.error


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]", "127.1.2.3"])
def test_a_server_for_this_machine_alone_needs_no_keys(host: str) -> None:
    require_keys(host, None, allow_anyone=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "", "example.org"])
def test_a_server_for_the_network_starts_with_keys_or_when_told_at_length(host: str) -> None:
    with pytest.raises(ConfigError, match="--allow-anyone-on-the-network"):
        require_keys(host, None, allow_anyone=False)
    require_keys(host, None, allow_anyone=True)
    require_keys(host, Keys([(KEY, "ana")]), allow_anyone=False)
