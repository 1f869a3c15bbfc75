import os
import subprocess
import sys
from pathlib import Path

import pytest

from solvent.config.project import Project, StepSettings
from solvent.errors import ConfigError


def test_the_project_is_around_the_nearest_project_file(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    (tmp_path / "inner/deep").mkdir(parents=True)
    assert Project.find(tmp_path / "inner/deep")[:2] == (str(tmp_path), str(tmp_path / ".solvent"))
    (tmp_path / "inner/solvent.toml").write_text("")
    assert Project.find(tmp_path / "inner/deep").root == str(tmp_path / "inner")


def test_without_a_project_file_the_working_folder_is_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    project = Project.find()
    assert project.root == str(tmp_path)
    assert project.home == str(tmp_path / ".solvent")
    assert project.config_cache == str(tmp_path / ".solvent/cache/config")


@pytest.mark.skipif(os.name == "nt", reason="a folder in use can't be removed there")
def test_a_working_folder_that_is_gone_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(ConfigError, match="the working directory is gone"):
        Project.find()


def test_the_environment_moves_the_home(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOLVENT_HOME", "elsewhere/store")
    (project / "inner").mkdir()
    monkeypatch.chdir(project / "inner")
    assert Project.find().home == str(project / "inner/elsewhere/store")
    assert Project.find().root == str(project)
    monkeypatch.setenv("SOLVENT_HOME", str(project / "s"))
    assert Project.find().home == str(project / "s")


def test_a_home_in_the_project_file_starts_at_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "solvent.toml").write_text("home = 'store'\n")
    (project / "inner").mkdir()
    monkeypatch.chdir(project / "inner")
    assert Project.find().home == str(project / "store")


SETTINGS = """
engine = "processes"
workers = 4
seed = 3
allow_pickle = false
config_folder = "conf"
profile = "team"

[{0}steps.fit]
cpus = 2
memory_mb = 4096
timeout_seconds = 600

[{0}steps."*"]
retries = 1
cpus = 0.5

[{0}profiles.team]
workers = 16
steps.fit.gpus = 1
"""


@pytest.mark.parametrize(("file", "table"), [("solvent.toml", ""), ("pyproject.toml", "tool.solvent.")])
def test_settings_come_from_either_project_file(tmp_path: Path, file: str, table: str) -> None:
    head = "[tool.solvent]\n" if table else ""
    (tmp_path / file).write_text(head + SETTINGS.format(table))
    settings = Project.find(tmp_path).settings
    assert settings[:3] == ("processes", 16, None)
    assert (settings.seed, settings.allow_pickle, settings.config_folder) == (3, False, "conf")
    assert settings.step("fit") == StepSettings(2.0, 4096, 1, 1, 600.0)
    assert settings.step("load") == StepSettings(cpus=0.5, retries=1)


def test_a_profile_lies_over_the_settings_and_under_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "solvent.toml").write_text("workers = 2\nseed = 1\n[profiles.team]\nworkers = 8\nseed = 5\n")
    assert Project.find(tmp_path).settings.workers == 2
    assert Project.find(tmp_path, profile="team").settings.workers == 8
    assert Project.find(tmp_path, profile="nobody").settings.workers == 2
    monkeypatch.setenv("SOLVENT_PROFILE", "team")
    monkeypatch.setenv("SOLVENT_WORKERS", "3")
    assert (Project.find(tmp_path).settings.workers, Project.find(tmp_path).settings.seed) == (3, 5)


def test_every_setting_has_an_environment_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {
        "ENGINE": "processes",
        "WORKERS": "4",
        "CONFIG_FOLDER": "conf",
        "SEED": "9",
        "ALLOW_PICKLE": "0",
        "STEPS": "{fit: {cpus: 2}}",
        "PROFILES": "{team: {workers: 5}}",
        "PROFILE": "team",
        "HOME": str(tmp_path / "h"),
        "METADATA": "env:STORE",
        "ARTIFACTS": "s3://bucket/folder",
        "CACHE_GB": "2.5",
        "PROJECT": "shop",
        "STATISTICS": "false",
        "OPENLINEAGE": "events.jsonl",
        "SENSITIVE_COLUMNS": "[email, ssn*]",
    }
    for name, text in texts.items():
        monkeypatch.setenv(f"SOLVENT_{name}", text)
    settings = Project.find(tmp_path).settings
    assert {name.upper() for name in settings._fields} == set(texts)
    assert settings._replace(home=None)[:7] == ("processes", 4, None, "conf", "team", 9, False)
    assert settings.step("fit").cpus == 2


def test_steps_of_the_environment_lie_over_those_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "solvent.toml").write_text("steps.fit = {cpus = 2, retries = 3}\n")
    monkeypatch.setenv("SOLVENT_STEPS", "{fit: {cpus: 4}}")
    assert Project.find(tmp_path).settings.step("fit") == StepSettings(cpus=4.0, retries=3)


def test_an_empty_variable_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOLVENT_WORKERS", "")
    assert Project.find(tmp_path).settings.workers is None


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("x = 1\nwrokers = 3\n", 1, "unknown setting `x`"),
        ("seed = 1\nwrokers = 3\n", 2, "unknown setting `wrokers`; did you mean 'workers'?"),
        ("[steps.fit]\n\ncpu = 3\n", 3, "unknown setting `steps.fit.cpu`; did you mean 'cpus'?"),
        ("workers = 'two'\n", 1, "setting `workers`: expected int"),
        ("workers = 0\n", 1, "expected at least 1, found 0"),
        ("\n[steps]\nfit.retries = -1\n", 3, "setting `steps.fit.retries`: expected at least 0"),
        ("[profiles.team]\nworker = 3\n", 2, "unknown setting `profiles.team.worker`; did you mean 'workers'?"),
        ("allow_pickle = 1\n", 1, "setting `allow_pickle`: expected bool"),
        ("seed = \n", 1, "broken TOML"),
        ("seed = 1\nseed = 2\n", 2, "broken TOML"),
    ],
)
def test_a_wrong_setting_is_named_with_its_line(tmp_path: Path, text: str, where: int, words: str) -> None:
    (tmp_path / "solvent.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        Project.find(tmp_path)
    assert words in caught.value.problem
    assert caught.value.where == f"solvent.toml:{where}"


def test_a_wrong_variable_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOLVENT_WORKERS", "many")
    with pytest.raises(ConfigError, match="`workers`: expected int") as caught:
        Project.find(tmp_path)
    assert caught.value.where == "SOLVENT_WORKERS"


def test_settings_in_two_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "solvent.toml").write_text("seed = 1\n")
    (tmp_path / "pyproject.toml").write_text("[tool.solvent]\nseed = 2\n")
    with pytest.raises(ConfigError, match="two files") as caught:
        Project.find(tmp_path)
    assert caught.value.where == "pyproject.toml:1"


def test_a_project_file_of_others_is_never_parsed(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project\nname = 'solvent'\n")
    program = f"import sys; from solvent.config.project import Project; Project.find({str(tmp_path)!r});"
    program += "print('tomllib' in sys.modules, 'solvent.config.schema' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
