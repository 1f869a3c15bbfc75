"""A runner masks what its workers' secrets are, and no value is ever in the file that tells of them."""

from pathlib import Path

import pytest

from solvent.config.masking import masked
from solvent.runs.announcements import Announcements, forget, hear


def test_a_reference_that_was_told_of_is_masked_once_it_is_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = str(tmp_path / "run-1.log")
    told = Announcements(log)
    told.add("env:SHOP_KEY")
    told.add("env:SHOP_KEY")
    assert (tmp_path / "run-1.log.secrets").read_text() == "env:SHOP_KEY\n"
    monkeypatch.setenv("SHOP_KEY", "hunter2hunter2")
    assert masked("hunter2hunter2") == "hunter2hunter2"
    hear(log)
    assert masked("hunter2hunter2") == "***"
    forget(log)
    forget(log)
    assert list(tmp_path.iterdir()) == []
    hear(log)


def test_a_worker_without_a_log_tells_nobody() -> None:
    Announcements("").add("env:SHOP_KEY")
