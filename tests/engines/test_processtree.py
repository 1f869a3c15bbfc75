from __future__ import annotations

import os
import subprocess
import sys

import pytest

from solvent.engines import processtree

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")


def test_children_of_every_thread_are_found() -> None:
    import threading

    started: list[subprocess.Popen[bytes]] = []
    thread = threading.Thread(target=lambda: started.append(subprocess.Popen(["sleep", "60"])))
    thread.start()
    started.append(subprocess.Popen(["sleep", "60"]))
    thread.join()
    try:
        assert {each.pid for each in started} <= set(processtree.children(os.getpid()))
        assert {each.pid for each in started} <= {
            child for child, parent in processtree._parents().items() if parent == os.getpid()
        }
    finally:
        for each in started:
            each.kill()
            each.wait()


def test_tree_ends_with_sessions_of_its_own() -> None:
    script = "sleep 60 & setsid sleep 60 & echo ready; wait"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True) as shell:
        assert shell.stdout is not None
        shell.stdout.readline()
        below = processtree.descendants(shell.pid)
        assert len(below) == 2
        processtree.end_tree(shell.pid)
        assert shell.stdout.read() == b""  # the pipe ends when its last holder has


def test_process_that_is_gone_has_no_children_and_can_be_ended_again() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    assert processtree.children(process.pid) == []
    processtree.end(process.pid)
