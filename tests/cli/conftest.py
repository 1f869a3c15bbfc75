"""A small project with two runs, and a way to say a command and read what it prints."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from solvent.cli.main import main

PIPELINE = """
from solvent import log, pipeline, step


@step
def load(count: int) -> list[int]:
    print("loading", count)
    return list(range(count))


@step
def total(numbers: list[int]) -> int:
    log.metric("size", len(numbers))
    return sum(numbers)


@pipeline
def main(count: int = 4) -> int:
    return total(load(count))
"""

Say = Callable[..., str]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command in this process; gives what it printed, ids, times and sizes of memory made stable."""

    def run(*words: str, code: int = 0) -> str:
        capsys.readouterr()
        assert main(list(words)) == code
        out, err = capsys.readouterr()
        text = out if code == 0 else err
        assert "--json" in words or all(len(line) <= 80 for line in text.splitlines()), text
        return text

    return run


@pytest.fixture
def shop(project: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    (project / "shop_of_tests.py").write_text(PIPELINE)
    for count in ("4", "5"):
        assert main(["run", "shop_of_tests.py", "--engine", "inline", "--quiet", "--set", f"count={count}"]) == 0
    capsys.readouterr()
    return project


def stable(text: str) -> str:
    """Replace what differs from run to run; blanks that only lay out columns count as one."""
    text = re.sub(r"\d{8}-\d{6}-[0-9a-f]{6}", "RUN", text)
    text = re.sub(r"\b[0-9a-f]{12}\b", "DIGEST", text)
    text = re.sub(r"\b\d\d-\d\d \d\d:\d\d\b", "TIME", text)
    text = re.sub(r"\b[\d.]+ (ms|s)\b", "TOOK", text)
    return "\n".join(re.sub(r"(?<=\S) {2,}", "  ", line) for line in text.splitlines())
