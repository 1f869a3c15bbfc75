"""Wrong wirings are found by both checkers, at exactly the marked lines."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CASES = ("tests/typing/right_wiring.py", "tests/typing/wrong_wiring.py")

pytestmark = pytest.mark.slow

Found = dict[tuple[str, int], str]


def checked(*command: str, folder: Path) -> str:
    paths = {"MYPYPATH": os.pathsep.join(map(str, (ROOT / "src", ROOT))), "MYPY_CACHE_DIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env={**os.environ, **paths}, capture_output=True, text=True
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def found_by_mypy(folder: Path) -> Found:
    told = checked(
        "mypy", "--strict", "--config-file=", "--explicit-package-bases", "--no-pretty", *CASES, folder=folder
    )
    lines = re.findall(r"^(tests/typing/\w+\.py):(\d+): error: (.*)$", told, re.MULTILINE)
    return {(file, int(line)): message for file, line, message in lines}


def found_by_pyright(folder: Path) -> Found:
    settings = folder / "pyrightconfig.json"
    settings.write_text(
        json.dumps(
            {
                "include": [os.path.relpath(ROOT / case, folder) for case in CASES],
                "extraPaths": [str(ROOT / "src"), str(ROOT)],
                "reportAttributeAccessIssue": "error",
            }
        )
    )
    told = json.loads(checked("pyright", "--project", str(settings), "--outputjson", folder=folder))
    return {
        (
            Path(each["file"]).relative_to(ROOT).as_posix(),
            each["range"]["start"]["line"] + 1,
        ): each["message"]
        for each in told["generalDiagnostics"]
        if each["severity"] == "error"
    }


def expected() -> set[tuple[str, int]]:
    return {
        (case, number)
        for case in CASES
        for number, line in enumerate((ROOT / case).read_text().splitlines(), 1)
        if "  # error: " in line
    }


@pytest.mark.parametrize("find", [found_by_mypy, found_by_pyright])
def test_exactly_the_wrong_wirings_are_found(find: Callable[[Path], Found], tmp_path: Path) -> None:
    found = find(tmp_path)
    missed = expected() - found.keys()
    unexpected = {place: told for place, told in found.items() if place not in expected()}
    assert (missed, unexpected) == (set(), {})
