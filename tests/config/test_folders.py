from pathlib import Path

import pytest

from solvent.config.folders import ConfigFolder
from solvent.errors import ConfigError


def layers(
    root: Path, start: Path, profile: str | None = None, *, known: tuple[str, ...] = (), pipeline: str | None = None
) -> list[object]:
    folder = ConfigFolder(str(root), str(start), "configs", pipeline, None)
    folder.check_profile(profile, known)
    return [node.plain() for node in folder.layers(profile)]


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_base_file_lies_under_the_profile(tmp_path: Path) -> None:
    write(tmp_path / "configs/base.yaml", "a: 1\n")
    write(tmp_path / "configs/team.yaml", "a: 2\n")
    assert layers(tmp_path, tmp_path) == [{"a": 1}]
    assert layers(tmp_path, tmp_path, "team") == [{"a": 1}, {"a": 2}]
    assert layers(tmp_path, tmp_path, "base") == [{"a": 1}]


def test_the_nearest_folder_above_the_pipeline_counts(tmp_path: Path) -> None:
    write(tmp_path / "configs/base.yaml", "a: root\n")
    write(tmp_path / "flights/configs/base.yaml", "a: flights\n")
    (tmp_path / "flights/pipelines").mkdir()
    (tmp_path / "other/deep").mkdir(parents=True)
    assert layers(tmp_path, tmp_path / "flights/pipelines") == [{"a": "flights"}]
    assert layers(tmp_path, tmp_path / "other/deep") == [{"a": "root"}]


def test_nothing_above_the_project_is_read(tmp_path: Path) -> None:
    write(tmp_path / "configs/base.yaml", "a: 1\n")
    (tmp_path / "project/pipelines").mkdir(parents=True)
    assert layers(tmp_path / "project", tmp_path / "project/pipelines") == []


def test_a_pipeline_outside_the_project_has_only_its_own_folder(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere/configs/base.yaml", "a: 1\n")
    write(tmp_path / "configs/base.yaml", "a: 2\n")
    (tmp_path / "elsewhere/deep").mkdir()
    (tmp_path / "project").mkdir()
    assert layers(tmp_path / "project", tmp_path / "elsewhere") == [{"a": 1}]
    assert layers(tmp_path / "project", tmp_path / "elsewhere/deep") == []


def test_a_folder_with_the_name_of_the_pipeline_is_its_own(tmp_path: Path) -> None:
    write(tmp_path / "configs/base.yaml", "a: 1\n")
    write(tmp_path / "configs/chain/base.yaml", "n: 2\n")
    assert layers(tmp_path, tmp_path, pipeline="chain") == [{"n": 2}]
    assert layers(tmp_path, tmp_path, pipeline="delays") == [{"a": 1}]


def test_an_unknown_profile_names_the_nearest(tmp_path: Path) -> None:
    write(tmp_path / "configs/team.yaml", "a: 2\n")
    write(tmp_path / "configs/base.yaml", "a: 2\n")
    with pytest.raises(ConfigError, match="no profile `taem`; did you mean 'team'") as caught:
        layers(tmp_path, tmp_path, "taem")
    assert caught.value.hint == "make configs/taem.yaml, or choose one of: team"


def test_a_profile_of_the_project_needs_no_file(tmp_path: Path) -> None:
    assert layers(tmp_path, tmp_path, "team", known=("team",)) == []
    with pytest.raises(ConfigError, match="no profile `large`"):
        layers(tmp_path, tmp_path, "large", known=("team",))


def test_a_profile_is_a_name_and_not_a_path(tmp_path: Path) -> None:
    write(tmp_path / "secret.yaml", "a: 1\n")
    write(tmp_path / "configs/base.yaml", "a: 1\n")
    with pytest.raises(ConfigError, match="no profile"):
        layers(tmp_path, tmp_path, "../secret")


def test_two_files_for_one_layer_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "configs/base.yaml", "a: 1\n")
    write(tmp_path / "configs/base.yml", "a: 2\n")
    with pytest.raises(ConfigError, match="two files for base"):
        layers(tmp_path, tmp_path)


def test_a_strange_key_in_a_shared_file_may_be_another_pipelines(tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    folder = ConfigFolder(str(tmp_path), str(tmp_path), "configs", None, None)
    strange = ConfigError("unknown config key `n`", where="configs/base.yaml:1", hint="Config has: a")
    assert folder.hint_for(strange) == (
        "Config has: a; what only another pipeline takes goes to configs/ITS_NAME/base.yaml"
    )
    for problem, where in (("unknown config key `n`", "--set"), ("config value `a`: expected int", strange.where)):
        assert folder.hint_for(ConfigError(problem, where=where, hint="x")) == "x"
