"""Artifacts made again from the record: what is executed for it, what proves it, and what is refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from solvent.config.project import Project
from solvent.metadata.dropped import Dropped, list_dropped, note_dropped
from solvent.metadata.makers import makers
from solvent.model import ArtifactRef
from solvent.runs.remake import Name, Remaking, remake
from solvent.runs.stores import Stores
from solvent.runs.views import Run

pytestmark = pytest.mark.slow

CHAIN = """
from pathlib import Path
from solvent import File, log, pipeline, rng, step, value
from scale import scaled

def note(name):
    with open("executed.txt", "a") as file:
        file.write(name + "\\n")

@step
def load(source: File) -> list[int]:
    note("load")
    return [int(line) for line in Path(source).read_text().split()] * 4000

@step
def noisy(numbers: list[int]) -> list[float]:
    note("noisy")
    return [each + float(rng().random()) for each in scaled(numbers)]

@step
def total(numbers: list[float]) -> float:
    note("total")
    log.text("lines", "a line\\n" * 5000)
    return sum(numbers)

@step(cache=False)
def send(amount: float) -> list[int]:
    note("send")
    return [1] * 20000

@pipeline
def main(source: File = File("numbers.txt")) -> list[float]:
    found = noisy(load(source))
    if value(total(found)) > 0:
        send(total(found))
    return found
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    (folder / "solvent.toml").write_text("project = 'shop'")
    (folder / "chain_of_tests.py").write_text(CHAIN)
    (folder / "scale.py").write_text("def scaled(numbers):\n    return [2 * each for each in numbers]\n")
    (folder / "numbers.txt").write_text("1 2 3")
    run_it(folder)
    (folder / "executed.txt").unlink()
    return folder


@pytest.fixture
def chain(made: Path, project: Path) -> Path:
    """A project that was copied to another place after its run."""
    shutil.copytree(made, project, dirs_exist_ok=True)
    return project


def run_it(folder: Path, script: str = "") -> None:
    command = [sys.executable, script] if script else [sys.executable, "-m", "solvent", "run", "chain_of_tests.py"]
    options = [] if script else ["--engine", "inline", "--quiet"]
    subprocess.run([*command, *options], cwd=folder, check=True, capture_output=True)


def stores() -> Stores:
    return Stores(Project.find(), create=False)


def output(opened: Stores, step: str, field: str = "output") -> ArtifactRef:
    run = Run(opened.metadata.find_run("latest"), opened)
    return run[step][0].artifacts[field]._ref


def lose(opened: Stores, *artifacts: ArtifactRef) -> None:
    opened.blobs.remove([blob.digest for each in artifacts for blob in each.all_blobs()])


def name(artifact: ArtifactRef) -> Name:
    return artifact.digest, artifact.type


def executed() -> list[str]:
    path = Path("executed.txt")
    return path.read_text().split() if path.exists() else []


def why(found: Remaking) -> str:
    return found.artifacts[0].why


def test_only_what_is_missing_is_executed(chain: Path) -> None:
    opened = stores()
    lost = output(opened, "noisy")
    lose(opened, lost)
    found = remake(opened, [lost])
    assert found.ok, found
    assert executed() == ["noisy"]
    assert not opened.blobs.missing(lost.all_blobs())
    assert [made.label for made in found.made] == ["noisy"]


def test_missing_inputs_are_made_first(chain: Path) -> None:
    opened = stores()
    lose(opened, output(opened, "load"), output(opened, "noisy"))
    assert remake(opened, [output(opened, "noisy")]).ok
    assert executed() == ["load", "noisy"]


def test_nothing_is_executed_for_what_is_there(chain: Path) -> None:
    opened = stores()
    assert remake(opened, [output(opened, "noisy")]).ok
    assert executed() == []


def test_asked_anew_the_step_is_executed_although_its_bytes_are_there(chain: Path) -> None:
    opened = stores()
    assert remake(opened, [output(opened, "noisy")], anew=True).ok
    assert executed() == ["noisy"]


def test_a_pipeline_in_a_file_with_the_name_of_a_module_of_the_library_is_made_again(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("json.py").write_text(
        "from solvent import pipeline, step\n@step\ndef many() -> bytes:\n    return bytes(40_000)\n"
        "@pipeline\ndef main() -> bytes:\n    return many()\n"
    )
    command = [sys.executable, "-P", "-m", "solvent", "run", "json.py", "--engine", "inline", "--quiet"]
    subprocess.run(command, check=True, capture_output=True)
    monkeypatch.syspath_prepend(str(project))
    opened = stores()
    lost = output(opened, "many")
    lose(opened, lost)
    found = remake(opened, [lost])
    assert found.ok, found


MODEL = """
from sklearn.linear_model import LinearRegression
from solvent import pipeline, step

@step
def fit() -> LinearRegression:
    model = LinearRegression()
    model.note = "a fitted model " * 2000
    return model.fit([[1.0], [2.0]], [1.0, 2.0])

@pipeline
def main() -> LinearRegression:
    return fit()
"""


def test_sound_bytes_stay_although_the_same_model_is_encoded_in_other_bytes(project: Path) -> None:
    Path("chain_of_tests.py").write_text(MODEL)
    run_it(project)
    opened = stores()
    before = output(opened, "fit")
    assert remake(opened, [before], anew=True).ok
    assert opened.metadata.find_artifact(*name(before)) == before
    assert {each.digest for each in opened.blobs.listing()} >= {each.digest for each in before.all_blobs()}


def test_dropped_bytes_that_come_back_as_others_are_no_longer_called_dropped(project: Path) -> None:
    Path("chain_of_tests.py").write_text(MODEL)
    run_it(project)
    opened = stores()
    before = output(opened, "fit")
    lose(opened, before)
    with opened.metadata.transaction():
        note_dropped(opened.metadata, [Dropped(each.digest, each.size_bytes, 1.0) for each in before.all_blobs()])
    assert remake(opened, [before]).ok
    assert list_dropped(opened.metadata) == []


def test_the_code_is_that_of_the_snapshot(chain: Path) -> None:
    opened = stores()
    lost = output(opened, "noisy")
    lose(opened, lost)
    (chain / "scale.py").unlink()
    (chain / "chain_of_tests.py").write_text("raise SystemExit('the code of now')")
    assert remake(opened, [lost]).ok


def test_a_run_killed_before_its_snapshot_is_made_by_the_code_of_now_and_the_digest_decides(chain: Path) -> None:
    opened = stores()
    lost = output(opened, "noisy")
    with opened.metadata.transaction():
        opened.metadata.update_run(opened.metadata.find_run("latest").id, snapshot=None, status="running")
    lose(opened, lost)
    (chain / "scale.py").write_text("def scaled(numbers):\n    return [each * 3 for each in numbers]\n")
    assert "differs" in why(remake(opened, [lost]))
    (chain / "scale.py").write_text("def scaled(numbers):\n    return [each + each for each in numbers]\n")
    found = remake(opened, [lost])
    assert found.ok
    assert "`scale.scaled` changed (scale.py:1)" in found.made[0].notes


def test_a_changed_file_is_named(chain: Path) -> None:
    opened = stores()
    lost = output(opened, "load")
    lose(opened, lost)
    (chain / "numbers.txt").write_text("1 2 4")
    assert "file numbers.txt changed" in why(remake(opened, [lost]))
    (chain / "numbers.txt").unlink()
    assert "no file 'numbers.txt'" in why(remake(opened, [lost]))
    assert executed() == []
    assert opened.blobs.missing(lost.all_blobs())


def test_a_step_with_effects_is_run_again_only_when_that_is_asked_for(chain: Path) -> None:
    opened = stores()
    lost = output(opened, "send")
    lose(opened, lost)
    assert "cache=False" in why(remake(opened, [lost]))
    assert executed() == []
    assert remake(opened, [lost], uncached=True).ok
    assert executed() == ["send"]


def test_what_a_step_logged_is_made_again(chain: Path) -> None:
    opened = stores()
    run = Run(opened.metadata.find_run("latest"), opened)
    text = run["total"][0].attachments["lines"]._ref
    lose(opened, text)
    assert remake(opened, [text]).ok
    assert not opened.blobs.missing(text.all_blobs())


def test_a_step_that_gives_something_else_now_is_told_with_its_columns(project: Path) -> None:
    (project / "chain_of_tests.py").write_text(
        "import os, pandas as pd\nfrom solvent import pipeline, step\n"
        "@step\ndef table() -> pd.DataFrame:\n"
        "    return pd.DataFrame({'steady': range(9000), 'random': list(os.urandom(9000))})\n"
        "@pipeline\ndef main():\n    return table()\n"
    )
    run_it(project)
    opened = stores()
    lost = output(opened, "table")
    lose(opened, lost)
    assert why(remake(opened, [lost])) == "`table` was made again, but differs: column random; it is not reproducible"
    assert opened.blobs.missing(lost.all_blobs())


def test_a_script_that_calls_run_is_loaded_as_the_script_that_it_was(project: Path) -> None:
    (project / "script_of_tests.py").write_text(
        "import solvent\nfrom solvent import pipeline, step\n"
        "class Box:\n    def __init__(self, x):\n        self.x = x\n"
        "@step\ndef make() -> Box:\n    return Box([7] * 50000)\n"
        "@pipeline\ndef main():\n    return make()\n"
        "if __name__ == '__main__':\n    solvent.run(main)\n"
    )
    run_it(project, "script_of_tests.py")
    opened = stores()
    lost = output(opened, "make")
    assert lost.type == "__main__:Box"
    lose(opened, lost)
    assert remake(opened, [lost]).ok


def test_what_the_body_itself_returned_is_made_again(project: Path) -> None:
    (project / "chain_of_tests.py").write_text(
        "from solvent import pipeline, step, value\n"
        "@step\ndef start() -> int:\n    return 5\n"
        "@pipeline\ndef main():\n    return {'big': bytes([value(start())]) * 50000}\n"
    )
    run_it(project)
    opened = stores()
    (row,) = opened.metadata.rows("SELECT artifact_digest, artifact_type FROM blobs")
    assert [each.kind for each in makers(opened.metadata, *row)] == ["result"]
    lose(opened, opened.metadata.find_artifact(*row))
    assert remake(opened, [row]).ok
    assert not opened.blobs.missing(opened.metadata.find_artifact(*row).all_blobs())


def test_what_a_later_run_reused_is_made_from_that_one_where_the_first_is_of_no_use(chain: Path) -> None:
    run_it(chain)
    opened = stores()
    lost = output(opened, "noisy")
    (chain / "executed.txt").unlink()
    lose(opened, lost)
    with opened.metadata.transaction():
        first = opened.metadata.find_run("latest~1").id
        opened.metadata.update_run(first, target="gone.py:main")
    found = remake(opened, [lost])
    assert found.ok
    assert found.artifacts[0].maker == makers(opened.metadata, *name(lost))[1]
    assert executed() == ["noisy"]


def test_an_artifact_of_no_run_has_no_way(chain: Path) -> None:
    assert why(remake(stores(), [("0" * 64, "builtins:int")])) == "no run on record made it"


def test_a_process_that_ends_without_an_answer_is_told(project: Path) -> None:
    (project / "chain_of_tests.py").write_text(
        "import os\nfrom solvent import pipeline, step\n"
        "@step\ndef make() -> bytes:\n    if os.path.exists('deadly'):\n        os._exit(9)\n    return b'x' * 50000\n"
        "@pipeline\ndef main():\n    return make()\n"
    )
    run_it(project)
    opened = stores()
    lost = output(opened, "make")
    lose(opened, lost)
    opened.metadata.connection.execute("DELETE FROM observations")  # it looked for the file in vain
    Path("deadly").touch()
    assert "exit code 9" in why(remake(opened, [lost]))


def test_reading_what_is_gone_makes_it_again(chain: Path, capsys: pytest.CaptureFixture[str]) -> None:
    opened = stores()
    lose(opened, output(opened, "noisy"))
    run = Run(opened.metadata.find_run("latest"), opened)
    assert len(run.result) == 12000
    assert "making 1 artifact of run" in capsys.readouterr().err
    assert run["noisy"][0].output == run.result


def test_the_folder_of_the_process_is_clean_afterwards(chain: Path) -> None:
    opened = stores()
    remake(opened, [output(opened, "noisy")], anew=True)
    assert [each for each in os.listdir(".solvent/tmp") if each.startswith("remake")] == []
