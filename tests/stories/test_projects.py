"""Two projects that share one store: told apart, each with its own `latest`, and no code of the other runs unasked."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.stories.conftest import Shop

PIPELINE = """
from solvent import pipeline, step, value


class Model:  # a plain class needs pickle
    def __init__(self, depth):
        self.depth = depth

    def call(self, x):
        return x + self.depth


@step
def size(depth: int) -> int:
    return depth * 2


@step
def fit(depth: int) -> Model:
    return Model(depth)


@step
def score(model: Model, x: int) -> int:
    return model.call(x)


@pipeline
def main(depth: int = 3) -> Model:
    model = fit(depth)
    value(score(model, size(depth)))
    return model
"""


class Street:
    """Two projects with the same pipeline in one store."""

    def __init__(self, root: Path) -> None:
        self.store = root / "store"
        self.shops = {}
        for name in ("ours", "theirs"):
            (root / name).mkdir()
            self.shops[name] = Shop(root / name)
            self.shops[name].write("p.py", PIPELINE)
        self.env = {"SOLVENT_HOME": str(self.store)}

    def run(self, name: str, *words: str) -> Any:
        return self.shops[name].run("p.py", *words, env=self.env)

    def say(self, name: str, *words: str, code: int = 0) -> str:
        done = self.shops[name].command(*words, env=self.env)
        assert done.returncode == code, done.stderr + done.stdout
        return done.stdout + done.stderr

    def json(self, name: str, *words: str) -> Any:
        return json.loads(self.say(name, *words, "--json"))


@pytest.fixture
def street(tmp_path: Path) -> Street:
    return Street(tmp_path)


@pytest.mark.slow
def test_a_pickled_output_of_another_project_is_not_reused_until_it_is_trusted(street: Street) -> None:
    street.run("theirs")
    ours = street.run("ours")
    assert ours.names("reused") == ["size", "score"], "what is read without running code is shared"
    assert ours.ran == ["fit"]
    assert "needs pickle, and project 'theirs'" in ours.why("fit")
    assert "solvent trust" in ours.why("fit")
    assert street.run("ours").ran == [], "what a project made itself needs no trust"
    digest = next(each["digest"] for each in street.json("theirs", "artifacts") if each["pickled"])
    street.run("theirs", "--set", "depth=5")
    other = next(each for each in street.json("theirs", "artifacts", "latest") if each["pickled"])
    assert other["digest"] != digest
    assert "solvent trust" in street.say("ours", "plan", "p.py", "--set", "depth=5", "--json")
    street.say("ours", "trust", other["digest"][:12])
    assert street.run("ours", "--set", "depth=5").ran == []


@pytest.mark.slow
def test_reading_code_of_another_project_names_who_wrote_it_and_the_way_out(street: Street) -> None:
    run = street.run("theirs")
    made = next(each for each in street.json("theirs", "artifacts", run.id) if each["pickled"])
    street.shops["ours"].write("read.py", f"import p, solvent\nprint(solvent.load({made['digest'][:16]!r}).depth)\n")
    refused = _python(street, "read.py")
    assert refused[0] == 1
    for word in (
        made["digest"][:12],
        "p:Model",
        "theirs",
        run.id,
        f"solvent trust {made['digest'][:12]}",
        "TrustError",
    ):
        assert word in refused[1]
    told = street.say("ours", "trust", made["digest"][:12])
    assert "theirs" in told
    assert _python(street, "read.py") == (0, "3\n")
    assert street.json("ours", "trust")[0]["digest"] == made["digest"]
    street.say("ours", "trust", made["digest"][:12], "--remove")
    assert _python(street, "read.py")[0] == 1


def _python(street: Street, name: str) -> tuple[int, str]:
    import subprocess
    import sys

    shop = street.shops["ours"]
    env = shop.environment(street.env)
    done = subprocess.run([sys.executable, name], cwd=shop.root, env=env, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_latest_is_the_run_of_this_project_and_runs_shows_whose_each_is(street: Street) -> None:
    ours, theirs = street.run("ours"), street.run("theirs")
    assert "project 'ours' has a pipeline `main` in this store too" in theirs.printed
    assert "too" not in ours.printed
    assert street.json("ours", "show", "latest")["id"] == ours.id
    assert street.json("theirs", "show")["id"] == theirs.id
    assert street.json("ours", "show", theirs.id)["project"] == "theirs"
    listed = street.json("ours", "runs")
    assert [(each["id"], each["project"]) for each in listed] == [(theirs.id, "theirs"), (ours.id, "ours")]
    assert [each["id"] for each in street.json("ours", "runs", "--project", "theirs")] == [theirs.id]
    assert "theirs/main" in street.say("ours", "runs")
    assert "only 1 runs" in street.say("ours", "show", "latest~1", code=2)
    assert "did you mean 'theirs'" in street.say("ours", "runs", "--project", "their", code=2)


@pytest.mark.slow
def test_an_artifact_leads_to_who_wrote_it(street: Street) -> None:
    run = street.run("theirs")
    digest = street.json("theirs", "artifacts", run.id)[0]["digest"]
    writer = street.json("ours", "artifacts", digest)["writers"][0]
    assert (writer["run_id"], writer["project"]) == (run.id, "theirs")
    assert writer["user"]
    assert writer["host"]


@pytest.mark.slow
def test_a_project_without_runs_says_whose_are_in_the_store(street: Street) -> None:
    street.run("theirs")
    told = street.say("ours", "show", code=2)
    assert "no run of project 'ours' yet" in told
    assert "theirs" in told


@pytest.mark.slow
def test_a_run_that_was_copied_here_keeps_its_project_and_needs_trust(street: Street, tmp_path: Path) -> None:
    elsewhere = {"SOLVENT_HOME": str(tmp_path / "elsewhere")}
    theirs = street.shops["theirs"].run("p.py", env=elsewhere)
    street.say("ours", "copy", "--from", elsewhere["SOLVENT_HOME"], "--all")
    (copied,) = street.json("ours", "runs")
    assert (copied["id"], copied["project"]) == (theirs.id, "theirs")
    assert copied["origin"]
    ours = street.run("ours")
    assert ours.names("reused") == ["size", "score"]
    assert "'theirs'" in ours.why("fit")
    assert "copied here" in ours.why("fit")


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="this system has no such modes")
@pytest.mark.parametrize("umask", [0, 0o077])
def test_a_store_is_private_whatever_the_umask(street: Street, umask: int) -> None:
    before = os.umask(umask)
    try:
        street.shops["ours"].write("p.py", PIPELINE + FILES)
        street.shops["ours"].run("p.py:files", env=street.env)
        street.run("theirs")
    finally:
        os.umask(before)
    wrong = {}
    for path in [street.store, *street.store.rglob("*")]:
        allowed = 0o700 if path.is_dir() else 0o600
        if not path.is_dir() and ("objects" in path.parts or "files" in path.parts):
            allowed = 0o444
        found = stat.S_IMODE(path.stat().st_mode)
        if found != allowed and "cache" not in path.parts[len(street.store.parts) : -1]:
            wrong[str(path.relative_to(street.store))] = oct(found)
    assert wrong == {}


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="this system has no such modes")
def test_a_store_that_others_may_look_into_is_named_by_the_doctor(street: Street) -> None:
    street.store.mkdir(mode=0o755)
    street.run("ours")
    found = {each["what"]: each for each in street.json("ours", "doctor")}
    assert "chmod -R go-rwx" in found["private"]["detail"]
    street.store.chmod(0o700)
    assert "private" not in {each["what"] for each in street.json("ours", "doctor")}


FILES = """
import os, pathlib
from solvent import File, Folder


@step
def write() -> Folder:
    folder = pathlib.Path("made"); (folder / "sub").mkdir(parents=True, exist_ok=True)
    (folder / "sub" / "big").write_bytes(os.urandom(100_000))
    return Folder(folder)


@step
def read(folder: Folder) -> int:
    path = folder / "sub" / "big"
    os.chmod(path, 0o644)
    path.write_bytes(b"harm")
    return 1


@step
def again(folder: Folder, after: int) -> int:
    return len((folder / "sub" / "big").read_bytes())


@pipeline
def files() -> int:
    folder = write()
    return again(folder, read(folder))
"""


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["inline", "processes"])
def test_a_step_that_overwrites_what_it_was_given_harms_no_blob(street: Street, engine: str) -> None:
    shop = street.shops["ours"]
    shop.write("p.py", PIPELINE + FILES)
    shop.command("run", "p.py:files", "--engine", engine, env=street.env)
    found = json.loads(shop.command("doctor", "--deep", "--json", env=street.env).stdout)
    assert next(each for each in found if each["what"] == "blobs")["state"] == "ok"
