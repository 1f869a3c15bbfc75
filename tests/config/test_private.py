"""What the store makes is its owner's alone, whatever the umask."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from solvent.config.private import make_file, make_folder, open_to_others

pytestmark = pytest.mark.skipif(os.name == "nt", reason="this system has no such modes")


@pytest.fixture(params=[0, 0o077], ids=["umask 0", "umask 077"])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("umask")
def test_every_folder_on_the_way_is_private(tmp_path: Path) -> None:
    make_folder(str(tmp_path / "a" / "b" / "c"))
    assert {mode(tmp_path / part) for part in ("a", "a/b", "a/b/c")} == {0o700}


@pytest.mark.usefixtures("umask")
def test_a_file_is_private_and_one_that_is_there_is_kept(tmp_path: Path) -> None:
    make_file(str(tmp_path / "x"))
    assert mode(tmp_path / "x") == 0o600
    (tmp_path / "x").write_text("kept")
    make_file(str(tmp_path / "x"))
    assert (tmp_path / "x").read_text() == "kept"


def test_a_folder_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a").chmod(0o750)
    make_folder(str(tmp_path / "a"))
    assert mode(tmp_path / "a") == 0o750
    assert open_to_others(str(tmp_path / "a"))


def test_a_file_in_the_way_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(FileExistsError):
        make_folder(str(tmp_path / "a"))
    with pytest.raises(NotADirectoryError):
        make_folder(str(tmp_path / "a" / "b"))
