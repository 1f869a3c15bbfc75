"""A bundle served by a process of its own: what it uses, and what it says where it does not start."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from solvent.deploy.served import Served, own_environment, usage_by_ps
from solvent.errors import BundleError


@pytest.mark.slow
def test_a_server_is_ready_measured_and_gone_afterwards(cancer: Path) -> None:
    with Served(str(cancer)) as server:
        usage = server.usage()
        assert server.cold_seconds > 0
        assert usage.cpu_seconds is not None
        assert usage.memory_bytes is not None
        assert usage.memory_bytes > 20_000_000
    assert server.process.poll() is not None


@pytest.mark.slow
def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"the endpoint does not start: .*no bundle at"), Served(str(tmp_path)):
        pass


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("ps") is None, reason="no ps on this machine")
def test_where_there_is_no_proc_ps_tells_the_same() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as process:
        while (found := usage_by_ps(process.pid)).processes < 2:
            assert process.poll() is None
        process.communicate(b"\n")
    assert found.memory_bytes is not None
    assert found.memory_bytes > 4_000_000
    assert found.cpu_seconds is not None


def test_the_server_has_no_setting_of_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOLVENT_SERVE_KEYS", "secret")
    found = own_environment()
    assert "SOLVENT_SERVE_KEYS" not in found
    assert os.path.isfile(os.path.join(found["PYTHONPATH"], "solvent", "__init__.py"))
