from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solvent.config.overrides import expand_sweeps, read_set, read_value
from solvent.errors import ConfigError


def value_of(text: str) -> Any:
    return read_value(text, "--set").plain()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        (" 3 ", 3),
        ("a b, c", "a b, c"),
        ("C:\\data", "C:\\data"),
        ("a=b", "a=b"),
        ('"3"', "3"),
        ("'it''s'", "it's"),
        ('"a\\u00e9\\n"', "aé\n"),
        ("[]", []),
        ("[3, 5,8]", [3, 5, 8]),
        ("[3,]", [3]),
        ("[a b, 'c, d', [1, {e: f}]]", ["a b", "c, d", [1, {"e": "f"}]]),
        ("{}", {}),
        ("{a: 1, 'b c': [2], d:x}", {"a": 1, "b c": [2], "d": "x"}),
        ("{url: http://x/y}", {"url": "http://x/y"}),
        ('{"a": [1, 2.5, null, true], "b": {"c": ""}}', {"a": [1, 2.5, None, True], "b": {"c": ""}}),
        ("[1\n, 2]", [1, 2]),
    ],
)
def test_a_value_is_a_word_a_quoted_text_a_list_or_a_mapping(text: str, value: object) -> None:
    assert value_of(text) == value


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(JSON.filter(lambda value: isinstance(value, list | dict | str)), st.booleans())
def test_all_json_is_valid(value: object, ascii_only: bool) -> None:
    import json

    assert value_of(json.dumps(value, ensure_ascii=ascii_only)) == value


@given(st.text())
def test_any_text_is_read_or_kept_with_the_reason(text: str) -> None:
    node = read_value(text, "--set")
    assert node.broken is None or node.value == text.strip()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[3, 5", "a list must end with ]"),
        ("[3,,5]", "a value is missing"),
        ("[3] 5", "nothing may follow"),
        ("{a: 1", "a mapping must end with }"),
        ("{a}", "a key must be followed by a colon"),
        ("{a: 1, a: 2}", "'a' is there twice"),
        ('"abc', "a quote is not closed"),
        ("'abc", "a quote is not closed"),
    ],
)
def test_what_can_not_be_read_says_why(text: str, reason: str) -> None:
    assert reason in str(read_value(text, "--set").broken)


def test_a_dotted_name_reaches_inside() -> None:
    assert read_set("model.tree.depth=3").plain() == {"model": {"tree": {"depth": 3}}}


def test_a_quoted_part_of_a_name_may_hold_dots_and_equal_signs() -> None:
    assert read_set('models."a.b=c".depth=3').plain() == {"models": {"a.b=c": {"depth": 3}}}


@pytest.mark.parametrize("text", ["depth", "", "=3", "a..b=1", ".a=1", "a.=1", '"a=1', '"a"b=1'])
def test_a_set_without_a_name_and_a_value_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"--set .*: ") as caught:
        read_set(text)
    assert "name=value" in str(caught.value)


def test_the_value_of_a_set_is_not_repeated_in_its_error() -> None:
    with pytest.raises(ConfigError) as caught:
        read_set("token.=hunter2")
    assert "hunter2" not in str(caught.value)


def test_no_sweep_is_one_run() -> None:
    assert expand_sweeps([]) == [[]]


def test_sweeps_make_all_combinations_the_first_changing_slowest() -> None:
    assert expand_sweeps(["a.b=1,2", "c=x, y"]) == [
        ["a.b=1", "c=x"],
        ["a.b=1", "c=y"],
        ["a.b=2", "c=x"],
        ["a.b=2", "c=y"],
    ]


def test_a_comma_inside_a_list_a_mapping_or_quotes_does_not_separate() -> None:
    assert expand_sweeps(["depths=[3,5],[8]"]) == [["depths=[3,5]"], ["depths=[8]"]]
    assert expand_sweeps(["model={a: 1, b: 2},{a: 3}"]) == [["model={a: 1, b: 2}"], ["model={a: 3}"]]
    assert expand_sweeps(["name='a,b',c"]) == [["name='a,b'"], ["name=c"]]


@pytest.mark.parametrize("sweep", ["a", "a=", "a=1,", "a=1,,2", "a=[1,2", "a=[1] 2,3"])
def test_a_sweep_that_can_not_be_read_is_refused(sweep: str) -> None:
    with pytest.raises(ConfigError, match="--sweep a"):
        expand_sweeps([sweep])


def test_one_name_swept_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match="`a` twice"):
        expand_sweeps(["a=1,2", "a=3"])
