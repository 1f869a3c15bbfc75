import json
import linecache
from hashlib import sha256
from pathlib import Path

import pytest

from solvent.environments.snapshot import take_snapshot


def write(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def test_files_are_kept_by_their_place_and_content(tmp_path: Path) -> None:
    file = write(tmp_path / "pkg" / "a.py", "x = 1\n")
    found = take_snapshot([file], tmp_path)
    digest = sha256(b"x = 1\n").hexdigest()
    assert json.loads(found.manifest) == {"pkg/a.py": [digest, 6]}
    assert found.contents == {digest: b"x = 1\n"}
    assert found.digest == sha256(found.manifest.encode()).hexdigest()


def test_the_order_of_files_does_not_matter(tmp_path: Path) -> None:
    files = [write(tmp_path / name, name) for name in ("a.py", "b.py")]
    assert take_snapshot(files, tmp_path) == take_snapshot(reversed(files), tmp_path)


def test_packages_around_a_file_come_with_it(tmp_path: Path) -> None:
    file = write(tmp_path / "pkg" / "inner" / "a.py", "")
    write(tmp_path / "pkg" / "__init__.py", "")
    write(tmp_path / "pkg" / "inner" / "__init__.py", "y = 2\n")
    names = json.loads(take_snapshot([file], tmp_path).manifest)
    assert sorted(names) == ["pkg/__init__.py", "pkg/inner/__init__.py", "pkg/inner/a.py"]


def test_a_file_from_elsewhere_keeps_its_module_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "lib" / "shared" / "a.py", "z = 3\n")
    monkeypatch.syspath_prepend(str(tmp_path / "lib"))
    assert list(json.loads(take_snapshot([file], tmp_path / "project").manifest)) == ["@outside/shared/a.py"]


def test_two_files_of_one_name_are_both_kept(tmp_path: Path) -> None:
    files = [write(tmp_path / folder / "a.py", folder) for folder in ("one", "two")]
    assert len(json.loads(take_snapshot(files, tmp_path / "project").manifest)) == 2


def test_a_cell_of_a_notebook_is_kept(tmp_path: Path) -> None:
    name = "<cell-7>"
    linecache.cache[name] = (6, None, ["x = 1\n"], name)
    try:
        found = take_snapshot([name], tmp_path)
    finally:
        del linecache.cache[name]
    assert list(json.loads(found.manifest)) == ["@cells/cell-7"]
    assert found.missing == ()


def test_source_that_is_nowhere_is_named(tmp_path: Path) -> None:
    found = take_snapshot([str(tmp_path / "gone.py")], tmp_path)
    assert found.missing == (str(tmp_path / "gone.py"),)
    assert json.loads(found.manifest) == {}
