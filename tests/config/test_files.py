import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solvent.config.files import keep_config_file, read_config_file
from solvent.config.layers import Node
from solvent.errors import ConfigError


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def read(text: str | bytes) -> Node:
        (tmp_path / "base.yaml").write_bytes(text.encode() if isinstance(text, str) else text)
        return read_config_file(str(tmp_path / "base.yaml"), "configs/base.yaml").node

    return read


def problem(read: Any, text: str | bytes) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read(text)
    return caught.value


def test_a_file_holds_mappings_lists_and_scalars(read: Any) -> None:
    node = read("a: 1\nb:\n  c: [1, two, 3.5]\n  d: {e: null}\nf: |\n  text\n  text\ng: ~\n")
    assert node.plain() == {"a": 1, "b": {"c": [1, "two", 3.5], "d": {"e": None}}, "f": "text\ntext\n", "g": None}


def test_every_value_knows_its_line(read: Any) -> None:
    node = read("# head\na: 1\n\nb:\n  c:\n    - 1\n    - 2\n")
    assert node.child("a").source == "configs/base.yaml:2"
    assert node.child("b").child("c").source == "configs/base.yaml:5"
    assert node.child("b").child("c").child(1).source == "configs/base.yaml:7"


def test_words_mean_what_yaml_1_2_says(read: Any) -> None:
    text = "country: no\nrate: 1e-3\nmode: 0o17\nday: 2013-01-31\nat: 12:30\nzip: 01234\nquoted: '1'\ntagged: !!str 1\n"
    assert read(text).plain() == {
        "country": "no",
        "rate": 0.001,
        "mode": 15,
        "day": "2013-01-31",
        "at": "12:30",
        "zip": "01234",
        "quoted": "1",
        "tagged": "1",
    }


def test_keys_are_text_as_written(read: Any) -> None:
    assert read("1: a\ntrue: b\n1.50: c\nnull: d\n").plain() == {"1": "a", "true": "b", "1.50": "c", "null": "d"}


def test_anchors_and_merge_keys_work(read: Any) -> None:
    node = read(
        "base: &base {a: 1, b: 2}\nmore: &more {c: 3}\nx:\n  <<: *base\n  b: 9\ny:\n  <<: [*base, *more]\nz: *more\n"
    )
    assert node.child("x").plain() == {"a": 1, "b": 9}
    assert node.child("y").plain() == {"a": 1, "b": 2, "c": 3}
    assert node.child("z").plain() == {"c": 3}


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "null\n", "\ufeff"])
def test_an_empty_file_says_nothing(read: Any, text: str) -> None:
    assert read(text).plain() == {}


def test_json_is_yaml(read: Any) -> None:
    assert read('{"a": {"b": [1, true, "x"]}}').plain() == {"a": {"b": [1, True, "x"]}}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: [1, 2\nc: 3\n", 3, "broken YAML"),
        ("a: 1\n  b: 2\n", 2, "broken YAML"),
        ("a:\n\t- 1\n", 2, "broken YAML"),
        ("a: 'x\n", 2, "broken YAML"),
        ("a: *nowhere\n", 1, "broken YAML"),
        ("a: 1\n---\nb: 2\n", 2, "broken YAML"),
        ("a: 1\nb: 2\na: 3\n", 3, "`a` is there twice, first on line 1"),
        ("x:\n  a: 1\n  a: 1\n", 3, "`a` is there twice, first on line 2"),
        ("- 1\n- 2\n", 1, "names and values"),
        ("just text\n", 1, "names and values"),
        ("a: !!python/object/apply:os.getcwd []\n", 1, "tag !!python/object/apply:os.getcwd is not supported"),
        ("a: 1\nb: !secret x\n", 2, "tag !secret is not supported"),
        ("? [a, b]\n: 1\n", 1, "a key must be a word"),
        ("a: &a [*a]\n", 1, "inside its own anchor"),
        ("a:\n  <<: 3\n", 2, "`<<` wants a mapping"),
    ],
)
def test_a_broken_file_is_refused_with_its_line(read: Any, text: str, line: int, words: str) -> None:
    error = problem(read, text)
    assert error.where == f"configs/base.yaml:{line}"
    assert words in error.problem


def test_a_file_that_is_no_text_is_refused_with_its_line(read: Any) -> None:
    error = problem(read, b"a: 1\nb: \xff\n")
    assert (error.where, "UTF-8" in error.problem) == ("configs/base.yaml:2", True)


def test_a_control_character_is_refused(read: Any) -> None:
    assert "broken YAML" in problem(read, "a: \x07\n").problem


def test_aliases_that_multiply_are_refused(read: Any) -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 8))
    assert "aliases multiply" in problem(read, "l0: &l0 [x, x]\n" + levels).problem


def test_a_missing_file_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "large.yaml").write_text("a: 1\n")
    with pytest.raises(ConfigError, match=r"did you mean 'large\.yaml'"):
        read_config_file(str(tmp_path / "larg.yaml"), "larg.yaml")


def test_a_folder_is_no_config_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be read"):
        read_config_file(str(tmp_path), "configs")


def test_a_file_comes_back_from_the_cache_as_it_was_read(tmp_path: Path) -> None:
    path, cache = tmp_path / "a.yaml", str(tmp_path / "cache")
    path.write_text("a: {b: [1, x, .nan, '.inf', null, 1.0]}\nc: true\n")
    first = read_config_file(str(path), "a.yaml", cache)
    keep_config_file(first, cache)
    second = read_config_file(str(path), "a.yaml", cache)
    assert (first.kept, second.kept) == (False, True)
    assert repr(second.node.plain()) == repr(first.node.plain())
    assert second.node.value["c"].source == "a.yaml:2"


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path, cache = tmp_path / "a.yaml", str(tmp_path / "cache")
    for text, value in (("a: 1\n", 1), ("a: 2\n", 2), ("a: 1\n", 1)):
        path.write_text(text)
        file = read_config_file(str(path), "a.yaml", cache)
        keep_config_file(file, cache)
        assert file.node.plain() == {"a": value}
    assert file.kept


def test_a_damaged_cache_entry_is_read_past(tmp_path: Path) -> None:
    path, cache = tmp_path / "a.yaml", tmp_path / "cache"
    path.write_text("a: 1\n")
    file = read_config_file(str(path), "a.yaml", str(cache))
    keep_config_file(file, str(cache))
    for damage in ("", "[1", "[]", '[1, {"a": [1, 3]}]'):
        (cache / f"{file.digest}.json").write_text(damage)
        assert read_config_file(str(path), "a.yaml", str(cache)).node.plain() == {"a": 1}


def test_a_cache_folder_that_can_not_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1\n")
    (tmp_path / "cache").write_text("a file stands in the way")
    file = read_config_file(str(tmp_path / "a.yaml"), "a.yaml", str(tmp_path / "cache"))
    keep_config_file(file, str(tmp_path / "cache"))
    assert file.node.plain() == {"a": 1}


def test_a_known_file_is_read_without_importing_yaml(tmp_path: Path) -> None:
    path, cache = tmp_path / "a.yaml", str(tmp_path / "cache")
    path.write_text("a: 1\n")
    keep_config_file(read_config_file(str(path), "a.yaml", cache), cache)
    program = (
        "import sys, json; from solvent.config.files import read_config_file;"
        f"file = read_config_file({str(path)!r}, 'a.yaml', {cache!r});"
        "print(json.dumps([file.node.plain(), 'yaml' in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [{"a": 1}, False]


@given(st.text(alphabet="ab:-[]{}#&*!|>'\"\n \t<?%@,1.", max_size=30))
def test_any_text_is_read_or_refused_by_name(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text)
    where = "any.yaml"
    try:
        assert isinstance(read_config_file(str(path), "any.yaml").node.value, dict)
    except ConfigError as error:
        where = str(error.where)
    assert where.startswith("any.yaml")


def test_a_file_with_a_password_in_it_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("database: postgresql://shop:hunter2@host/shop\n")
    file = read_config_file(str(tmp_path / "base.yaml"), "base.yaml", str(tmp_path / "cache"))
    keep_config_file(file, str(tmp_path / "cache"))
    assert not (tmp_path / "cache").exists() or list((tmp_path / "cache").iterdir()) == []
