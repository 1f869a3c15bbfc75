"""Modules are imported as they were, at the paths that they had, whatever lies there now."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import json, sys
from pathlib import Path
from solvent.fingerprint.former import use_former
from solvent.fingerprint.code import fingerprint_code

root = Path.cwd()
sys.path.insert(0, str(root))
use_former({str(root / name): text.encode() for name, text in json.loads(sys.argv[1]).items()})
import main_
print(json.dumps([main_.said(), main_.__file__, fingerprint_code(main_.said).digest]))
"""


def said(folder: Path, former: dict[str, str]) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(former)], cwd=folder, capture_output=True, text=True, check=True
    )
    found: list[str] = json.loads(done.stdout)
    return found


@pytest.mark.slow
def test_edited_removed_and_new_modules_are_as_they_were(tmp_path: Path) -> None:
    then = {
        "main_.py": "from pack.part import word\nimport space.deep\ndef said():\n    return word + space.deep.word\n",
        "pack/__init__.py": "",
        "pack/part.py": "word = 'then'\n",
        "space/deep.py": "word = ' too'\n",
    }
    for name, text in then.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    before = said(tmp_path, {})
    assert before[0] == "then too"
    (tmp_path / "pack" / "part.py").write_text("word = 'now'\n")
    assert said(tmp_path, {})[2] != before[2]
    assert said(tmp_path, then) == before
    for name in then:
        (tmp_path / name).unlink()
    assert said(tmp_path, then) == before
    (tmp_path / "space").rmdir()
    (tmp_path / "pack").rmdir()
    assert said(tmp_path, then) == before
