import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solvent.errors import BundleError
from solvent.serving.manifest import FORMAT, read_manifest
from tests.serving.folders import make_manifest

WHOLE = make_manifest(packages={"numpy": "2.0"}).to_bytes()


def test_a_manifest_is_read_back_as_it_was() -> None:
    manifest = make_manifest(packages={"b": "2", "a": "1"})
    assert read_manifest(manifest.to_bytes()) == manifest
    assert read_manifest(manifest.to_bytes()).digest == manifest.digest


def test_the_digest_does_not_depend_on_the_order_of_what_is_named() -> None:
    one, other = make_manifest(packages={"b": "2", "a": "1"}), make_manifest(packages={"a": "1", "b": "2"})
    assert one.digest == other.digest != make_manifest(packages={"a": "1"}).digest


def test_a_later_format_is_refused_with_the_version_that_reads_it() -> None:
    tree = json.loads(WHOLE) | {"format": FORMAT + 1}
    with pytest.raises(BundleError, match=f"has format {FORMAT + 1}, and this version of Solvent reads") as told:
        read_manifest(json.dumps(tree).encode())
    assert "requirements.txt" in str(told.value.hint)


@given(st.integers(0, len(WHOLE) - 3))
def test_a_manifest_that_was_cut_off_is_refused(length: int) -> None:
    with pytest.raises(BundleError, match="can't be read"):
        read_manifest(WHOLE[:length])


@pytest.mark.parametrize("data", [b"[]", b"null", b"1", b"\xff", b"[" * 100_000, b"{}", b'{"format": 1}'])
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(BundleError):
        read_manifest(data)


@pytest.mark.parametrize("part", ["packages", "files", "calls", "frozen", "answer", "request"])
def test_a_part_of_another_kind_is_refused(part: str) -> None:
    tree = json.loads(WHOLE) | {part: 7}
    with pytest.raises(BundleError, match="can't be read"):
        read_manifest(json.dumps(tree).encode())


def test_what_is_stored_with_pickle_is_named() -> None:
    assert make_manifest().pickled == []
    pickled = make_manifest(format="pickle")
    assert pickled.pickled == ["builtins:bytes"]
    assert json.loads(pickled.to_bytes())["pickled"] == ["builtins:bytes"]
