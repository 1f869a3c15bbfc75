"""The commit, the branch and the uncommitted changes, asked of git while the steps run."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

LIMIT_BYTES = 16 << 20
_HEAD = ("rev-parse", "HEAD", "--abbrev-ref", "HEAD")
# Refreshing the index would take its lock from a commit made at the same time.
_DIFF = ("-c", "diff.autoRefreshIndex=false", "diff", "--no-ext-diff", "--no-textconv", "--no-color", "HEAD", "--")
_NO_SECRETS = (":(top)", ":(top,exclude,glob)**/.env", ":(top,exclude,glob)**/.env.*")


class GitState(NamedTuple):
    """What git knows of a project; all empty where there is no repository, no commit or no git."""

    commit: str | None = None
    branch: str | None = None
    diff: bytes = b""


class GitProbe:
    """Questions to git that are under way."""

    def __init__(self, head: Any = None, diff: Any = None) -> None:
        self._head = head
        self._diff = diff
        self._state: GitState | None = None

    def join(self, timeout_seconds: float = 10.0) -> GitState:
        """Wait for the answers; git that is slower than the timeout is stopped and counts as silent."""
        if self._state is None:
            self._state = self._read(time.monotonic() + timeout_seconds)
        return self._state

    def _read(self, until: float) -> GitState:
        head = self._head.read(until).decode().split("\n") if self._head else []
        diff = _without_untouched(self._diff.read(until)) if self._diff else b""
        if len(head) < 2:
            return GitState()
        return GitState(head[0], head[1] if head[1] != "HEAD" else None, diff)


def start_git(root: str | os.PathLike[str]) -> GitProbe:
    """Ask git about the repository around `root`, without waiting; no process starts if there is none."""
    if not _in_repository(os.path.abspath(root)):
        return GitProbe()
    try:
        return GitProbe(_ask(root, _HEAD), _ask(root, (*_DIFF, *_NO_SECRETS)))
    except OSError:
        return GitProbe()


def _without_untouched(diff: bytes) -> bytes:
    """Drop files of equal content: git names those whose time alone changed, as the index is not refreshed."""
    import re

    return re.sub(rb"^diff --git [^\n]*\n(?=diff --git |\Z)", b"", diff, flags=re.MULTILINE)


def _in_repository(folder: str) -> bool:
    while not os.path.exists(os.path.join(folder, ".git")):
        parent = os.path.dirname(folder)
        if parent == folder:
            return False
        folder = parent
    return True


def _ask(root: str | os.PathLike[str], words: Sequence[str]) -> Any:
    command = ["git", "-C", os.fspath(root), *words]
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    if sys.platform == "win32":
        return _Child(command, environment)
    return _Spawned(command, environment)


class _Spawned:
    """A child started without importing subprocess, which would cost more than the question."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._out, write = os.pipe()
        null = os.open(os.devnull, os.O_RDWR)
        actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, write, 1), (os.POSIX_SPAWN_DUP2, null, 2)]
        try:
            # A process group of its own: Ctrl-C is for the run, and git's answer is wanted all the same.
            self._pid = os.posix_spawnp(command[0], command, environment, file_actions=actions, setpgroup=0)
        except OSError:
            os.close(self._out)
            raise
        finally:
            os.close(write)
            os.close(null)

    def read(self, until: float) -> bytes:
        """Give all of the answer, or nothing if git failed or was too slow."""
        try:
            answer, whole = self._gather(until)
            if not whole:
                os.kill(self._pid, 9)
        finally:
            os.close(self._out)
        code = self._wait()
        return answer if code == 0 or (not whole and len(answer) >= LIMIT_BYTES) else b""

    def _gather(self, until: float) -> tuple[bytes, bool]:
        from select import select

        parts: list[bytes] = []
        size = 0
        while size < LIMIT_BYTES and select([self._out], [], [], max(0.0, until - time.monotonic()))[0]:
            part = os.read(self._out, 1 << 16)
            if not part:
                return b"".join(parts), True
            parts.append(part)
            size += len(part)
        return b"".join(parts)[:LIMIT_BYTES], False

    def _wait(self) -> int:
        try:
            return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        except ChildProcessError:
            # Someone reaped all children of this process; an answer that came whole is good.
            return 0


class _Child:
    """The same through subprocess, where there is no posix_spawn."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        import subprocess

        null = subprocess.DEVNULL
        pipe = subprocess.PIPE
        self._child = subprocess.Popen(command, env=environment, stdin=null, stdout=pipe, stderr=null)

    def read(self, until: float) -> bytes:
        import subprocess

        try:
            answer, _ = self._child.communicate(timeout=max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._child.kill()
            return b""
        return bytes(answer)[:LIMIT_BYTES] if self._child.returncode == 0 else b""
