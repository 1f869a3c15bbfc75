"""What is known of secrets is replaced in every text; nothing else is."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solvent.config import masking
from solvent.config.masking import (
    learn,
    learn_environment,
    learn_urls,
    masked,
    masked_bytes,
    masked_json,
    masked_words,
)
from solvent.config.secrets import Secret


def test_nothing_is_masked_before_a_secret_is_known() -> None:
    assert masked("text") == "text"
    assert masked_bytes(b"bytes") == b"bytes"
    assert masked_json('{"not":   "touched"}') == '{"not":   "touched"}'


@given(st.text(min_size=6).map(str.strip).filter(lambda text: len(text) >= 6 and "\0" not in text))
def test_a_secret_is_masked_however_it_is_written(text: str) -> None:
    masking._known.clear()
    learn(text)
    data = text.encode("utf-8", "surrogatepass")
    written = [
        text,
        json.dumps(text),
        json.dumps({"a": [text]}, ensure_ascii=False),
        repr(text),
        ascii(text),
        data.hex(),
    ]
    written += [base64.b64encode(before + data + b"end").decode() for before in (b"", b"a", b"ab")]
    if not any("\ud800" <= letter <= "\udfff" for letter in text):
        written += [quote(text), quote(text, safe=""), quote_plus(text)]
    for each in written:
        assert "***" in masked(each), each
    assert text not in masked(f"before {text} after")


@pytest.mark.slow
@given(
    st.recursive(
        st.integers() | st.text() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_masked_json_is_json_and_equal_where_nothing_is_secret(tree: object) -> None:
    masking._known.clear()
    learn("never-in-there-" + "x" * 40)
    assert json.loads(masked_json(json.dumps(tree))) == tree


def test_numbers_and_keys_of_json_are_masked_and_digests_stay() -> None:
    learn("12345678")
    digest = "12345678" * 8
    tree = {"pin": 12345678, "12345678": ["12345678 here", digest], "other": 12}
    assert json.loads(masked_json(json.dumps(tree))) == {"pin": "***", "***": ["*** here", digest], "other": 12}


def test_what_is_very_short_is_not_masked() -> None:
    learn("abc")
    assert masked("abc") == "abc"


@pytest.mark.parametrize("half", [4, 9])
def test_no_part_of_a_secret_is_left_beside_a_cut(half: int) -> None:
    learn("secret-value")
    cut = b"\n[... 99 bytes of output were cut here ...]\n"
    log = b"begin secr" + b"secret-value"[:half] + cut + b"secret-value"[half:] + b" end"
    assert masked_bytes(log) == b"begin secr***" + cut + b"*** end"


def test_passwords_in_urls_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    learn_urls("postgresql://shop:pass%40word1@host/db and https://tokentokentoken12@github.com/x")
    assert masked("pass@word1 pass%40word1 tokentokentoken12") == "*** *** ***"
    learn_urls("postgresql://postgres:postgres@host/db")
    assert masked("postgresql://host") == "postgresql://host", "a word that is no secret stays"


def test_keys_in_the_environment_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "aws-secret-1")
    monkeypatch.setenv("PGPASSWORD", "pg-secret-1")
    monkeypatch.setenv("SHOP_API_TOKEN", "token-secret-1")
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "not-a-secret")
    monkeypatch.setenv("SHORT_PASSWORD", "test")
    learn_environment()
    assert masked("aws-secret-1 pg-secret-1 token-secret-1 not-a-secret test") == "*** *** *** not-a-secret test"


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("db.password=hunter2", "db.password=***"),
        ("api_token=abc", "api_token=***"),
        ("token=env:TOKEN", "token=env:TOKEN"),
        ("max_token=512", "max_token=512"),
        ("tokenizer=bert", "tokenizer=bert"),
        ("--api-key=abc", "--api-key=***"),
        ("url=postgresql://me:pw@host/db", "url=postgresql://me:***@host/db"),
        ("s3://key:secret@host/bucket", "s3://key:***@host/bucket"),
        ("postgresql://host/db?user=me&password=pw", "postgresql://host/db?user=me&password=***"),
        ("me@example.org", "me@example.org"),
        ("depths=[3, 5]", "depths=[3, 5]"),
    ],
)
def test_a_command_shows_no_secret_that_was_typed(word: str, shown: str) -> None:
    assert masked_words(["solvent", "run", "--set", word]) == ["solvent", "run", "--set", shown]


def test_the_word_after_an_option_that_names_a_secret_is_hidden() -> None:
    assert masked_words(["train.py", "--password", "hunter2", "--password", "--quiet", "x"]) == [
        "train.py", "--password", "***", "--password", "--quiet", "x",
    ]  # fmt: skip


def test_making_a_secret_makes_its_value_known_and_a_pipe_is_left_alone(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    folder = tmp_path_factory.mktemp("secrets")
    (folder / "password").write_text("from-a-file\n")
    monkeypatch.setenv("SHOP_KEY", "from-the-environment")
    Secret(f"file:{folder / 'password'}")
    Secret("env:SHOP_KEY")
    Secret("env:NOT_SET")
    Secret(f"file:{folder / 'not there'}")
    assert masked("from-a-file from-the-environment") == "*** ***"
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe")
        Secret(f"file:{folder / 'pipe'}")  # would wait for ever
