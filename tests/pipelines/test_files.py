import pickle
from pathlib import Path

import pytest

from solvent.pipelines.files import File, Folder


def test_a_file_is_a_path() -> None:
    file = File("data/x.csv")
    assert isinstance(file, Path)
    assert file == Path("data/x.csv")
    assert hash(file) == hash(Path("data/x.csv"))
    assert repr(file) == "File('data/x.csv')"
    assert file.name == "x.csv"


def test_it_opens_like_a_path(tmp_path: Path) -> None:
    file = File(tmp_path / "x.txt")
    file.write_text("hello")
    with open(file) as opened:
        assert opened.read() == "hello"


@pytest.mark.parametrize("kind", [File, Folder])
def test_the_kind_stays_when_the_path_is_made_absolute(kind: type[File] | type[Folder]) -> None:
    path = kind("data")
    assert type(path.absolute()) is kind
    assert type(path.resolve()) is kind
    assert type(kind("~/x").expanduser()) is kind
    assert path.absolute().is_absolute()


def test_paths_derived_from_it_are_plain(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    (tmp_path / "a.csv").write_text("")
    derived = [folder / "a.csv", folder.parent, folder.with_name("b"), folder.joinpath("c"), *folder.iterdir()]
    assert {type(path) for path in derived} == {type(Path())}
    assert type(File("a/b.csv").with_suffix(".txt")) is type(Path())


def test_it_is_pickled_with_its_kind() -> None:
    again = pickle.loads(pickle.dumps(Folder("data")))
    assert type(again) is Folder
    assert again == Path("data")


def test_the_kinds_are_told_apart_by_a_mark() -> None:
    assert (File.__solvent_kind__, Folder.__solvent_kind__) == ("file", "folder")
