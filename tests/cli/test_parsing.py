"""Options that do not parse are told in our words, with the nearest name, and exit code 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Say


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["runs", "--limit", "x"], "--limit: expected a whole number, found 'x'"),
        (["runs", "--limit", "0"], "--limit: expected at least 1, found 0"),
        (["runs", "--limit", "9" * 30], "--limit: expected at most 9223372036854775807"),
        (["clean", "--keep", "9" * 30], "--keep: expected at most"),
        (["clean", "--older-than", "9e99d"], "expected a duration from 0s to"),
        (["runs", "--limit"], "--limit needs a value"),
        (["runs", "--tga"], "`solvent runs` has no --tga; did you mean '--tag'?"),
        (["runs", "--status", "dne"], "did you mean 'done'?"),
        (["show", "a", "b"], "`solvent show` has no use for 'b'"),
        (["run"], "`solvent run` needs TARGET"),
        (["run", "x", "--workers", "many"], "--workers: expected a whole number, found 'many'"),
        (["config", "explian", "x"], "did you mean 'explain'?"),
    ],
)
def test_a_complaint_says_what_was_expected(project: Path, say: Say, words: list[str], expected: str) -> None:
    said = say(*words, code=2)
    assert expected in said
    assert "usage:" not in said


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("fit.cpu=2", "did you mean 'cpus'?"),
        ("cpus=2", "expected NAME.SETTING=VALUE"),
        ("fit.cpus", "expected NAME.SETTING=VALUE"),
        ("fit.gpus=0.5", "expected a whole number, found '0.5'"),
        ("fit.cpus=many", "expected a number, found 'many'"),
        ("fit.cpus=nan", "at least 0, found 'nan'"),
        ("fit.retries=-1", "at least 0, found '-1'"),
    ],
)
def test_a_wrong_step_setting_is_refused_before_anything_runs(
    shop: Path, capsys: pytest.CaptureFixture[str], given: str, expected: str
) -> None:
    from solvent.cli.main import main

    assert main(["run", "shop_of_tests.py", "--step", given]) == 2
    assert expected in capsys.readouterr().err


def test_help_reads_like_the_option(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from solvent.cli.main import main

    with pytest.raises(SystemExit) as ended:
        main(["help", "runs"])
    assert ended.value.code == 0
    assert "usage: solvent runs" in capsys.readouterr().out
