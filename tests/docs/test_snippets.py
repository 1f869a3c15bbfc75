import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.run_page import blocks_of, matches

REPOSITORY = Path(__file__).parents[2]
EXAMPLES = REPOSITORY / "examples"
SHELLS = {"bash", "sh", "shell", "zsh", "shell-session", "pycon"}


def pages() -> list[Path]:
    places = [REPOSITORY.glob("*.md"), (REPOSITORY / "docs").rglob("*.md"), EXAMPLES.glob("*/README.md")]
    return sorted(page for place in places for page in place)


def marked(page: Path) -> object:
    slow = "<!-- slow -->" in page.read_text("utf-8")[:200]
    name = page.relative_to(REPOSITORY).as_posix()
    return pytest.param(page, id=name, marks=[pytest.mark.slow] if slow else [])


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A shell in which `solvent` and `python` are the ones under test."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, command in (("solvent", f'"{sys.executable}" -m solvent'), ("python", f'"{sys.executable}"')):
        (folder / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        (folder / name).chmod(0o755)
    return {
        **os.environ,
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(REPOSITORY / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLBACKEND": "agg",
    }


@pytest.mark.parametrize("page", [marked(page) for page in pages()])
def test_the_examples_of_a_page_do_what_it_says(
    page: Path, tmp_path: Path, environment: dict[str, str], request: pytest.FixtureRequest
) -> None:
    if "<!-- postgres -->" in page.read_text("utf-8")[:200]:
        environment["TEAM_METADATA"] = request.getfixturevalue("postgres_url")
    if "<!-- objects -->" in page.read_text("utf-8")[:200]:
        from tests.object_servers import seaweed

        environment |= {**seaweed().environment, "TEAM_ARTIFACTS": seaweed().url(f"docs/{os.getpid()}-{page.stem}")}
    project = tmp_path / "project"
    if page.is_relative_to(EXAMPLES):
        shutil.copytree(page.parent, project, ignore=shutil.ignore_patterns(".solvent", "__pycache__"))
    else:
        project.mkdir()
    command = [sys.executable, str(Path(__file__).with_name("run_page.py")), str(page)]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr or done.stdout


@pytest.mark.parametrize("page", [pytest.param(page, id=page.relative_to(REPOSITORY).as_posix()) for page in pages()])
def test_shell_examples_are_console_blocks_so_that_they_run(page: Path) -> None:
    blocks = blocks_of(page.read_text("utf-8"))
    assert [
        f"{page.name}:{each.line}" for each in blocks if each.language in SHELLS and "norun" not in each.words
    ] == []


@pytest.mark.parametrize("page", [pytest.param(page, id=page.relative_to(REPOSITORY).as_posix()) for page in pages()])
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    import re

    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text)]
    gone = [link for link in links if link and "://" not in link and not (page.parent / link).exists()]
    assert gone == []


def test_dots_stand_for_anything_in_what_is_printed() -> None:
    assert matches("run ... done\n", "run 0f3a in 0.2 s done  \n")
    assert matches("a\n...\nz", "a\nb\nc\nz")
    assert not matches("run done", "run failed")


def test_a_page_is_read_block_by_block() -> None:
    page = "Text\n```python file=a.py\nx = 1\n```\n- item\n  ```console fails\n  $ false\n  ```\n"
    first, second = blocks_of(page)
    assert (first.language, first.file, first.body, first.line) == ("python", "a.py", "x = 1\n", 3)
    assert (second.language, second.words, second.body) == ("console", ("fails",), "$ false\n")
