"""An endpoint that follows its alias: moved, moved back, refused, and with a store that is away."""

import os
import signal
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from solvent.cli.main import main
from solvent.config.project import Project
from solvent.deploy.rollout import Rollout, check_key, make_plan
from solvent.errors import ConfigError
from solvent.runs.stores import Stores
from solvent.serving.control import Control, Place, read_control
from solvent.serving.launch import ControlFile
from tests.deploy.registered import register
from tests.servers import wait_until
from tests.serving.fleet import fleet, post
from tests.serving.tiny import write_tiny


def open_stores() -> Stores:
    return Stores(Project.find(), create=False)


def make(project: Path, *words: str, **named: str) -> tuple[Rollout, ControlFile, list[Mapping[str, Any]]]:
    told: list[Mapping[str, Any]] = []
    file = ControlFile(str(project / "control" / "control.json"))
    plan = make_plan("tiny@champion", words, **named)
    return Rollout(plan, file, open_stores, told.append), file, told


def versions(control: Control) -> list[tuple[str, str]]:
    return [(place.name, place.version) for place in control.live]


@pytest.mark.slow
def test_the_control_file_follows_the_aliases(project: Path) -> None:
    register(write_tiny(project / "a", 0.0))
    register(write_tiny(project / "b", 100.0), "challenger")
    rollout, file, _ = make(project, "challenger=5")
    assert versions(rollout.start()) == [("champion", "1"), ("challenger", "2")]
    rollout.watch()
    register(write_tiny(project / "c", 200.0))
    wait_until(lambda: versions(read_control(file.path)) == [("champion", "3"), ("challenger", "2")])
    assert main(["rollback", "tiny"]) == 0
    wait_until(lambda: versions(read_control(file.path)) == [("champion", "1"), ("challenger", "2")])
    rollout.stop()


@pytest.mark.slow
def test_a_model_that_the_workers_refuse_gives_way_to_the_one_before_it(project: Path) -> None:
    register(write_tiny(project / "a", 0.0))
    rollout, file, _ = make(project)
    first = rollout.start().live[0]
    shown = {"name": "champion", "version": "1", "digest": first.digest}
    rollout.hear({"event": "ready", "models": [shown]})
    rollout.watch()
    register(write_tiny(project / "b", 0.0, "import tiny_absent"))
    wait_until(lambda: versions(read_control(file.path)) == [("champion", "2")])
    assert read_control(file.path).former == (first,)
    rollout.hear({"event": "refused", "name": "champion", "version": "2", "error": "no"})
    wait_until(lambda: versions(read_control(file.path)) == [("champion", "1")])
    register(write_tiny(project / "c", 100.0))
    wait_until(lambda: versions(read_control(file.path)) == [("champion", "3")])
    rollout.stop()


@pytest.mark.slow
def test_a_store_that_is_away_is_waited_for(project: Path) -> None:
    register(write_tiny(project / "a", 0.0))
    rollout, file, told = make(project)
    rollout.start()
    os.rename(project / ".solvent", project / "away")
    rollout.watch()
    wait_until(lambda: [each["event"] for each in told] == ["away"])
    os.rename(project / "away", project / ".solvent")
    wait_until(lambda: [each["event"] for each in told] == ["away", "back"])
    register(write_tiny(project / "b", 100.0))
    wait_until(lambda: versions(read_control(file.path)) == [("champion", "2")])
    rollout.stop()


@pytest.mark.slow
def test_what_does_not_exist_is_named_with_the_nearest(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    register(write_tiny(project / "a", 0.0))
    for words, expected in [
        (["tiny@champoin"], "'champion'"),
        (["tniy"], "'tiny'"),
        (["tiny", "--split", "challenger=5"], "challenger"),
        (["tiny", "--split", "champion=5", "--key", "c"], "no column 'c'"),
        (["tiny", "--host", "0.0.0.0"], "API keys"),
    ]:
        assert main(["serve", *words, "--port", "0"]) == 2
        assert expected in capsys.readouterr().err


@pytest.mark.parametrize("word", ["challenger", "challenger=", "=5", "challenger=0", "challenger=101", "challenger=x"])
def test_a_split_that_is_none_is_refused(word: str) -> None:
    with pytest.raises(ConfigError, match="NAME=PERCENT"):
        make_plan("tiny", [word])


def test_shares_are_at_most_all_and_a_key_needs_a_split() -> None:
    with pytest.raises(ConfigError, match="more than 100"):
        make_plan("tiny", ["a=60", "b=60"])
    with pytest.raises(ConfigError, match="no --split"):
        make_plan("tiny", [], "customer")
    assert [each.reference for each in make_plan("tiny@3", ["challenger=5"], shadow="4").live] == [
        "tiny@3",
        "tiny@challenger",
    ]
    check_key(Control((Place("a", "nowhere", ""),), key="header:customer"))


@pytest.mark.slow
def test_an_endpoint_is_rolled_out_and_back_without_a_failed_request(project: Path) -> None:
    register(write_tiny(project / "a", 0.0))
    with fleet("serve", "tiny@champion", "--port", "0", "--workers", "2", module="solvent", cwd=project) as served:
        assert served.wait_for("ready")["models"][0]["version"] == "1"
        wrong: list[Any] = []
        ending = threading.Event()

        def ask() -> None:
            connection = served.connect()
            while not ending.is_set():
                status, answer = post(connection, {"columns": {"a": [1.0], "b": [2.0]}})
                expected = {"tiny@1": [21.0], "tiny@2": [121.0]}.get(answer.get("model", ""))
                if status != 200 or answer["predictions"] != expected:
                    wrong.append((status, answer))
            connection.close()

        thread = threading.Thread(target=ask)
        thread.start()
        register(write_tiny(project / "b", 100.0))
        served.wait_for("serving", 10)
        assert served.ask()["model"] == "tiny@2"
        assert main(["rollback", "tiny"]) == 0
        wait_until(lambda: served.of("serving")[-1]["models"][0]["version"] == "1", 10)
        register(write_tiny(project / "c", 0.0, "import tiny_absent"))
        assert "tiny_absent" in served.wait_for("refused", 10, version="3")["error"]
        ending.set()
        thread.join()
        assert wrong == []
        assert served.ask()["model"] == "tiny@1"
        assert served.stop(signal.SIGINT) == 0


@pytest.mark.slow
def test_a_folder_is_served_without_any_store(tmp_path: Path) -> None:
    bundle = write_tiny(tmp_path / "bundle", 100.0)
    with fleet("serve", str(bundle), "--port", "0", module="solvent", cwd=tmp_path) as served:
        assert served.ask()["predictions"] == [121.0]
    assert not (tmp_path / ".solvent").exists()
