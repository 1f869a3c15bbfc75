import os
import subprocess
import sys
from pathlib import Path

import pytest

from solvent.environments import git
from solvent.environments.git import GitState, start_git


def run_git(folder: Path, *words: str) -> str:
    names = {f"GIT_{who}_{what}": f"{who}@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {**os.environ, **names}
    command = ["git", "-C", str(folder), "-c", "init.defaultBranch=main", *words]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    run_git(tmp_path, "init", "-q")
    (tmp_path / "a.py").write_text("x = 1\n")
    run_git(tmp_path, "add", "a.py")
    run_git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def test_commit_and_branch_are_told(repository: Path) -> None:
    probe = start_git(repository)
    assert probe.join() == GitState(run_git(repository, "rev-parse", "HEAD"), "main", b"")
    assert probe.join() == probe.join()


def test_changes_are_told_from_a_folder_below(repository: Path) -> None:
    (repository / "a.py").write_text("x = 2\n")
    (repository / "below").mkdir()
    diff = start_git(repository / "below").join().diff
    assert b"-x = 1\n+x = 2\n" in diff


def test_a_staged_change_is_told(repository: Path) -> None:
    (repository / "b.py").write_text("y = 1\n")
    run_git(repository, "add", "b.py")
    assert b"+y = 1\n" in start_git(repository).join().diff


def test_a_detached_head_has_no_branch(repository: Path) -> None:
    run_git(repository, "checkout", "-q", "--detach")
    state = start_git(repository).join()
    assert state.commit
    assert state.branch is None


def test_without_a_repository_nothing_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git, "_ask", None)
    assert start_git(tmp_path).join() == GitState()


def test_a_repository_without_a_commit_is_empty(tmp_path: Path) -> None:
    run_git(tmp_path, "init", "-q")
    assert start_git(tmp_path).join() == GitState()


def test_without_git_the_answer_is_empty(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repository))
    assert start_git(repository).join() == GitState()


def test_a_long_diff_is_cut(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository / "a.py").write_text("x = 2\n" * 50_000)
    monkeypatch.setattr(git, "LIMIT_BYTES", 100_000)
    state = start_git(repository).join()
    assert len(state.diff) == 100_000
    assert state.commit


def test_a_diff_larger_than_a_pipe_is_whole(repository: Path) -> None:
    (repository / "a.py").write_text("x = 2\n" * 50_000)
    assert len(start_git(repository).join().diff) > 50_000 * 6


def test_git_that_hangs_is_left_behind(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("bin")
    (folder / "git").write_text("#!/bin/sh\nexec sleep 60\n")
    (folder / "git").chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        probe = start_git(repository)
        assert probe.join(timeout_seconds=0.05) == GitState()


def test_the_index_is_not_locked_or_changed(repository: Path) -> None:
    index = repository / ".git" / "index"
    before = index.read_bytes()
    os.utime(repository / "a.py", (1, 1))
    assert start_git(repository).join().diff == b""
    assert index.read_bytes() == before


@pytest.mark.skipif(sys.platform == "win32", reason="subprocess is what there is")
def test_subprocess_is_not_imported(repository: Path) -> None:
    code = (
        "import sys; from solvent.environments.git import start_git\n"
        f"start_git({str(repository)!r}).join(); print('subprocess' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(git.__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
