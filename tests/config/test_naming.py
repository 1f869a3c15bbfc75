"""A project has the name that it was given, else that of its package, else that of its folder."""

from pathlib import Path

import pytest

from solvent.config.naming import name_of
from solvent.config.project import Project


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('[project]\nname = "shop"\n', "shop"),
        ("[build-system]\nrequires = []\n\n[project]\nversion = '1'\nname   =  'shop' # the name\n", "shop"),
        ('project.name = "shop"\n', "shop"),
        ('project = {name = "shop"}\n', "shop"),
        ('["project"]\nname = "sh\\u006fp"\n', "shop"),
        ('about = """\n[project]\nname = "wrong"\n"""\n[project]\nname = "shop"\n', "shop"),
        ('[project]\nversion = "1"\n[tool.other]\nname = "wrong"\n', "folder"),
        ('[tool.poetry]\nname = "wrong"\n', "folder"),
        ('[project]\nname = "', "folder"),
        ("", "folder"),
    ],
)
def test_the_name_of_a_package_is_read_as_toml_reads_it(tmp_path: Path, text: str, name: str) -> None:
    root = tmp_path / "folder"
    root.mkdir()
    (root / "pyproject.toml").write_text(text)
    assert name_of(str(root), None) == name


def test_a_set_name_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "package"\n[tool.solvent]\nproject = "set"\n')
    assert Project.find(tmp_path).name == "set"
    monkeypatch.setenv("SOLVENT_PROJECT", "outside")
    assert Project.find(tmp_path).name == "outside"


@pytest.mark.parametrize(("folder", "name"), [("a\udcffb", "a\\udcffb"), ("aéb", "aéb")])
def test_a_folder_of_any_name_gives_a_name_that_every_store_keeps(tmp_path: Path, folder: str, name: str) -> None:
    assert name_of(str(tmp_path / folder), None) == name
    assert name_of(str(tmp_path), f"{folder}\0") == f"{name}\\x00"
