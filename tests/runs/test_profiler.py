import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import solvent
from solvent import pipeline, step
from solvent.artifacts import saving
from solvent.config.project import Project
from solvent.metadata.profiles import FAILED, PENDING, StoredProfile, add_profile, find_profile
from solvent.profiles.records import Profile
from solvent.runs import profiler
from solvent.runs.profiler import HELD_BYTES, Expected, Profiler, hold
from solvent.runs.stores import Stores
from solvent.runs.views import Artifact


@pytest.fixture
def stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stores]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "solvent.toml").write_text('sensitive_columns = ["ssn"]\n')
    with Stores(Project.find()) as opened:
        yield opened


@step
def table() -> pd.DataFrame:
    return pd.DataFrame({"x": [1, 2, 3], "ssn": ["a", "b", "c"]})


@step
def same(given: pd.DataFrame) -> pd.DataFrame:
    return given


@pipeline
def twice() -> pd.DataFrame:
    return same(table())


def stored(run: Any, name: str = "table") -> Artifact:
    found: Artifact = run[name][0].artifacts["output"]
    return found


def profile_of(artifact: Artifact) -> Profile:
    found = artifact.profile
    assert found is not None
    return found


def test_a_table_that_a_step_gives_has_a_profile_when_the_run_is_over(stores: Stores) -> None:
    artifact = stored(solvent.run(twice))
    found = profile_of(artifact)
    assert [(each.name, each.maximum, each.masked) for each in found.columns] == [("x", 3, False), ("ssn", None, True)]
    assert artifact.columns is not None
    assert found.columns[0].digest == artifact.columns["x"]
    record = find_profile(stores.metadata, artifact.digest)
    assert record is not None
    assert record.status == "made"
    assert '"b"' not in str(record.record)


def test_the_same_artifact_is_profiled_once(stores: Stores) -> None:
    run = solvent.run(twice)
    assert stored(run).digest == stored(run, "same").digest
    assert stores.metadata.row("SELECT count(*) FROM profiles") == (1,)


def test_a_profile_that_a_killed_run_left_pending_is_made_at_the_next_use(stores: Stores) -> None:
    artifact = stored(solvent.run(twice))
    pending = StoredProfile(PENDING, None, None, None)
    stores.metadata.write(lambda: add_profile(stores.metadata, artifact.digest, artifact.type, pending))
    assert solvent.run(twice).counts == {"reused": 2}
    found = find_profile(stores.metadata, artifact.digest)
    assert found is not None
    assert found.status == "made"


def test_a_profile_that_is_not_there_is_made_when_it_is_asked_for_and_kept(stores: Stores) -> None:
    artifact = stored(solvent.run(twice))
    stores.metadata.write(lambda: stores.metadata.execute("DELETE FROM profiles"))
    assert profile_of(artifact).rows == 3
    found = find_profile(stores.metadata, artifact.digest)
    assert found is not None
    assert found.status == "made"


def test_columns_that_became_sensitive_later_tell_no_values(stores: Stores, tmp_path: Path) -> None:
    artifact = stored(solvent.run(twice))
    (tmp_path / "solvent.toml").write_text('sensitive_columns = ["X"]\n')
    with Stores(Project.find()) as later:
        found = profile_of(Artifact(artifact._ref, later))
    assert [each.masked for each in found.columns] == [True, True]


def test_what_is_no_table_has_no_profile(stores: Stores) -> None:
    @step
    def number() -> int:
        return 1

    @pipeline
    def plain() -> int:
        return number()

    assert stored(solvent.run(plain), "number").profile is None


def test_a_profile_that_cannot_be_made_fails_nothing_and_says_why(stores: Stores) -> None:
    artifact = stored(solvent.run(twice))
    gone = artifact._ref._replace(inline=None) if hasattr(artifact._ref, "_replace") else artifact._ref
    made = Profiler(stores)
    made.add(Expected(gone, object()))
    made.close()
    found = find_profile(stores.metadata, artifact.digest)
    assert found is not None
    assert (found.status, found.record) == (FAILED, None)
    assert "is no table and no array" in str(found.problem)
    assert artifact.profile is None


def test_a_later_step_adds_no_column_to_what_is_profiled() -> None:
    frame = pd.DataFrame({"x": [1]})
    held = hold({"output": frame, "other": [frame]})
    frame["y"] = 2
    frame.loc[0, "x"] = 5
    assert list(held["output"].columns) == ["x"]
    assert held["output"]["x"].tolist() == [1]
    assert held["other"] == [frame]


def test_large_values_do_not_wait_in_memory_behind_each_other(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiler, "HELD_BYTES", 100)
    waiting = Profiler(stores)
    monkeypatch.setattr(waiting, "_work", lambda: None)
    ref = stored(solvent.run(twice))._ref
    for number in range(3):
        array = np.zeros(10)
        identity = ref.identity._replace(digest=str(number))
        waiting.add(Expected(type(ref)(identity, ref.format, ref.size_bytes, ref.inline, ref.blobs, ref.meta), array))
    live = [isinstance(each.value, np.ndarray) for each in waiting._jobs]
    assert live == [True, False, False]
    assert HELD_BYTES >= 100 << 20


LARGE: dict[str, Any] = {
    "pandas": lambda: pd.DataFrame(
        {
            "x": np.arange(1000) % 7,
            "when": pd.date_range("2024-01-01", periods=1000, tz="Europe/Berlin"),
            "word": pd.Categorical([f"k{at % 5}" for at in range(1000)]),
            "cell": [None, "a"] * 500,
            "month": pd.period_range("2000-01", periods=1000, freq="M"),
        },
        index=pd.RangeIndex(5, 2005, 2, name="row"),
    ),
    "labels": lambda: pd.DataFrame({("a", 1): range(1000), ("a", 2): [0.5] * 1000}),
    "series": lambda: pd.Series(range(1000), name="x"),
    "polars": lambda: pl.DataFrame({"x": range(1000), "s": ["a", None] * 500}).with_columns(
        c=pl.col("s").cast(pl.Categorical)
    ),
    "arrow": lambda: pa.table({"x": range(1000), "t": pa.array(range(1000), pa.timestamp("s"))}),
    "twice the same name": lambda: pa.table([pa.array(range(1000)), pa.array(range(1000))], names=["a", "a"]),
    "array": lambda: np.asfortranarray(np.arange(3000.0).reshape(1000, 3)),
    "cube": lambda: np.arange(12_000).reshape(1000, 3, 4),
}


@pytest.mark.parametrize("name", LARGE)
def test_a_stored_table_read_in_pieces_has_the_profile_of_the_whole(
    name: str, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    @step
    def make() -> object:
        return LARGE[name]()

    @pipeline
    def large() -> object:
        return make()

    whole = stored(solvent.run(large), "make")
    before = profile_of(whole)
    stores.metadata.write(lambda: stores.metadata.execute("DELETE FROM profiles"))
    monkeypatch.setattr(saving, "LARGE_BYTES", 1)
    monkeypatch.setattr(profiler, "PIECE_ROWS", 170)
    after = profile_of(Artifact(whole._ref, stores))
    assert after.columns == before.columns
    assert (after.shape, after.kind, after.rows) == (before.shape, before.kind, 1000)


FLOW = """
from solvent import pipeline, step

@step
def one() -> int:
    return 1

@pipeline
def main() -> int:
    return one()
"""

RUN = """
import json, sys
import solvent.cli.main
try:
    solvent.cli.main.main(["run", "flow.py:main", "--quiet", "--engine", "inline"])
finally:
    print(json.dumps([name for name in ("numpy", "pandas", "polars", "pyarrow") if name in sys.modules]))
"""


@pytest.mark.slow
def test_a_run_without_tables_imports_no_library_of_tables(tmp_path: Path) -> None:
    (tmp_path / "solvent.toml").write_text("")
    (tmp_path / "flow.py").write_text(FLOW)
    done = subprocess.run([sys.executable, "-c", RUN], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == []


@pytest.mark.slow
def test_a_table_of_pandas_is_profiled_without_polars(tmp_path: Path) -> None:
    code = (
        "import sys, pandas as pd\nfrom solvent.profiles.make import make_profile\n"
        "make_profile(pd.DataFrame({'x': range(10), 's': ['a'] * 10}))\nprint('polars' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
