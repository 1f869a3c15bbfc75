import pytest

from solvent.config.toml import read_toml
from solvent.errors import ConfigError


def test_a_table_is_read_with_the_lines_of_its_names() -> None:
    text = "[project]\nname = 'x'\n\n[tool.solvent]\nseed = 1\n\n[tool.solvent.steps.\"a.b\"]\n# note = 1\ncpus=2\n"
    node = read_toml(text, "pyproject.toml", ("tool", "solvent"))
    assert node is not None
    assert node.plain() == {"seed": 1, "steps": {"a.b": {"cpus": 2}}}
    assert node.value["seed"].source == "pyproject.toml:5"
    assert node.value["steps"].value["a.b"].value["cpus"].source == "pyproject.toml:9"


def test_a_dotted_name_and_an_inline_table_have_the_line_they_stand_on() -> None:
    node = read_toml("a.b.c = 1\nd = {e = 2}\n", "solvent.toml", ())
    assert node is not None
    assert node.value["a"].value["b"].value["c"].source == "solvent.toml:1"
    assert node.value["d"].source == "solvent.toml:2"


def test_a_file_without_the_table_says_nothing() -> None:
    assert read_toml("[tool.other]\na = 1\n", "pyproject.toml", ("tool", "solvent")) is None
    assert read_toml("tool = 3\n", "pyproject.toml", ("tool", "solvent")) is None


def test_a_broken_file_is_refused_with_its_line() -> None:
    with pytest.raises(ConfigError, match="broken TOML") as caught:
        read_toml("a = 1\nb = [\n", "solvent.toml", ())
    assert str(caught.value.where).startswith("solvent.toml")
