import json
from pathlib import Path
from typing import Any

import pytest

from solvent.environments.lock import lock_text
from solvent.environments.packages import Distribution, normal_name, read_distributions


def line(origin: dict[str, Any] | None, version: str = "1.0") -> str:
    return lock_text([Distribution("thing", version, ("thing",), origin)]).rstrip("\n")


def test_a_distribution_of_an_index_is_pinned() -> None:
    assert line(None) == "thing==1.0"


def test_an_editable_one_is_its_folder() -> None:
    assert line({"url": "file:///home/a/thing", "dir_info": {"editable": True}}) == "-e file:///home/a/thing"


def test_a_local_one_is_its_place() -> None:
    assert line({"url": "file:///home/a/thing", "dir_info": {}}) == "thing @ file:///home/a/thing"


def test_one_of_a_repository_is_its_commit() -> None:
    origin = {
        "url": "https://host.example/a/thing",
        "vcs_info": {"vcs": "git", "commit_id": "abc"},
        "subdirectory": "py",
    }
    assert line(origin) == "thing @ git+https://host.example/a/thing@abc#subdirectory=py"


@pytest.mark.parametrize("info", [{"hashes": {"sha256": "ff"}}, {"hash": "sha256=ff"}])
def test_an_archive_is_its_address_and_hash(info: dict[str, Any]) -> None:
    assert (
        line({"url": "https://host.example/t.whl", "archive_info": info})
        == "thing @ https://host.example/t.whl#sha256=ff"
    )


def test_no_password_is_kept() -> None:
    origin = {"url": "https://me:secret@host.example/t", "vcs_info": {"vcs": "git", "commit_id": "abc"}}
    assert line(origin) == "thing @ git+https://host.example/t@abc"


def test_one_without_a_version_is_a_remark() -> None:
    assert line(None, version="").startswith("# thing")


def test_names_have_one_spelling() -> None:
    assert normal_name("Foo.Bar__baz") == "foo-bar-baz"


def test_where_it_came_from_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "thing-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Name: thing\nVersion: 1.0\n")
    (folder / "direct_url.json").write_text(json.dumps({"url": "file:///t", "dir_info": {"editable": True}}))
    (found,) = read_distributions([[str(tmp_path), [["thing-1.0.dist-info/METADATA"]]]])
    assert lock_text([found]) == "-e file:///t\n"
    (folder / "direct_url.json").write_text("{")
    (found,) = read_distributions([[str(tmp_path), [["thing-1.0.dist-info/METADATA"]]]])
    assert lock_text([found]) == "thing==1.0\n"
