"""From what a person types to a pipeline."""

from __future__ import annotations

from pathlib import Path

import pytest

from solvent.errors import TargetError
from solvent.runs.target import load_pipeline, split_target

TEXT = "from solvent import pipeline\n\n\n@pipeline\ndef {name}() -> int:\n    return {result}\n"


def test_a_target_is_split_at_the_name_and_not_at_a_drive_letter() -> None:
    assert split_target("a/b.py") == ("a/b.py", "")
    assert split_target("a/b.py:main") == ("a/b.py", "main")
    assert split_target("package.module:main") == ("package.module", "main")
    assert split_target(r"C:\work\b.py:main") == (r"C:\work\b.py", "main")


def test_a_file_with_the_name_of_a_module_of_the_library_is_loaded_apart(project: Path) -> None:
    (project / "json.py").write_text(TEXT.format(name="mine", result=7))
    assert load_pipeline("json.py")() == 7
    import json

    assert json.loads("1") == 1


def test_one_of_several_pipelines_must_be_named(project: Path) -> None:
    path = project / "two_of_tests.py"
    path.write_text(TEXT.format(name="first", result=1) + TEXT.format(name="second", result=2))
    with pytest.raises(TargetError, match="first, second"):
        load_pipeline("two_of_tests.py")
    assert load_pipeline("two_of_tests.py:second")() == 2
    with pytest.raises(TargetError, match="did you mean 'first'"):
        load_pipeline("two_of_tests.py:frist")


def test_a_file_without_a_pipeline_says_so(project: Path) -> None:
    (project / "none_of_tests.py").write_text("x = 1\n")
    with pytest.raises(TargetError, match="no pipeline in"):
        load_pipeline("none_of_tests.py")
