import copy
import pickle
from pathlib import Path

import pytest

from solvent.config import masking
from solvent.config.secrets import Secret, read_url
from solvent.errors import ConfigError


def test_the_value_comes_from_the_environment_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = Secret("env:MY_TOKEN")
    monkeypatch.setenv("MY_TOKEN", "hunter2")
    assert secret.reveal() == "hunter2"


def test_the_value_comes_from_a_file_without_its_last_line_break(tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(b"hunter2\r\n")
    assert Secret(f"file:{tmp_path / 'token'}").reveal() == "hunter2"


def test_what_is_shown_and_pickled_is_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "hunter2")
    secret = Secret("env:MY_TOKEN")
    secret.reveal()
    assert repr(secret) == "Secret('env:MY_TOKEN')"
    assert f"{secret}" == str(secret) == "env:MY_TOKEN"
    assert b"hunter2" not in pickle.dumps(secret)
    assert pickle.loads(pickle.dumps(secret)) == copy.deepcopy(secret) == secret


def test_two_references_to_one_place_are_equal() -> None:
    assert Secret("env:A") == Secret("env:A") != Secret("env:B")
    assert len({Secret("env:A"), Secret("env:A")}) == 1


@pytest.mark.parametrize("text", ["hunter2", "env:", "file: ", "vault:hunter2", "", 7, None])
def test_a_value_in_place_of_a_reference_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(ConfigError, match="by reference") as caught:
        Secret(text)
    assert "hunter2" not in str(caught.value)
    assert "env:NAME" in str(caught.value)


def test_a_missing_variable_or_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="NO_SUCH_TOKEN"):
        Secret("env:NO_SUCH_TOKEN").reveal()
    with pytest.raises(ConfigError, match="nowhere"):
        Secret(f"file:{tmp_path / 'nowhere'}").reveal()


def test_a_file_that_is_no_text_is_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(b"hunter2\xff")
    with pytest.raises(ConfigError, match="not UTF-8") as caught:
        Secret(f"file:{tmp_path / 'token'}").reveal()
    assert "hunter2" not in str(caught.value)


def test_a_secret_can_not_be_changed() -> None:
    with pytest.raises(AttributeError):
        Secret("env:A").reference = "env:B"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        Secret("env:A")._reference = "env:B"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://zoe:hunter2x@db.example.org/team", "postgresql://***db.example.org/team"),
        ("postgresql://zoe:abc@db/team", "postgresql://***db/team"),
        ("s3://models/churn?secret=abcdefgh&region=eu", "s3://models/churn?secret=***&region=eu"),
        ("az://models?account_key=abcd%2Fefgh", "az://models?account_key=***"),
        ("postgresql://db/team", "postgresql://db/team"),
    ],
)
def test_a_url_by_reference_hides_its_secrets_and_shows_where_it_leads(
    url: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(masking, "_known", set())
    monkeypatch.setattr(masking, "_forms", [])
    monkeypatch.setattr(masking, "_byte_forms", [])
    monkeypatch.setenv("STORE", url)
    assert read_url("env:STORE") == url
    assert masking.masked(f"can't reach {url} here") == f"can't reach {shown} here"
