"""URLs of artifact stores: what they mean, what is wrong with them, and that nothing secret is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from solvent.artifacts.addresses import AZURE, GCS, S3, Address, parse_address, shown
from solvent.artifacts.opening import open_blobs
from solvent.artifacts.store import LocalBlobs
from solvent.errors import StoreError
from solvent.model import Place


def address(url: str) -> Address:
    found = parse_address(url)
    assert isinstance(found, Address)
    return found


@pytest.mark.parametrize(
    ("url", "driver", "path"),
    [
        ("s3://bucket", S3, "bucket"),
        ("s3://bucket/", S3, "bucket"),
        ("s3a://bucket/a/b/", S3, "bucket/a/b"),
        ("s3://bucket/a%20b", S3, "bucket/a b"),
        ("gs://bucket/a", GCS, "bucket/a"),
        ("az://box/a", AZURE, "box/a"),
        ("abfss://box@account.dfs.core.windows.net/a", AZURE, "box/a"),
    ],
)
def test_a_url_names_a_driver_a_bucket_and_a_folder(url: str, driver: object, path: str) -> None:
    found = address(url)
    assert (found.driver, found.path) == (driver, path)
    assert found.bucket == path.partition("/")[0]


def test_the_account_of_azure_may_stand_in_the_url() -> None:
    assert address("abfss://box@account.dfs.core.windows.net/a").options == {"account_name": "account"}


def test_options_go_to_the_driver() -> None:
    found = address("s3://b/x?endpoint_url=http://127.0.0.1:9000&region=eu-west-1&anon=true&key=123&patience_seconds=3")
    assert found.options == {
        "endpoint_url": "http://127.0.0.1:9000",
        "client_kwargs": {"region_name": "eu-west-1"},
        "anon": True,
        "key": "123",
    }
    assert found.patience_seconds == 3
    assert address("s3://b/x").patience_seconds == 30


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("bucket/folder", "is no URL"),
        ("s3:///folder", "names no bucket"),
        ("s3://", "names no bucket"),
        ("s4://bucket/x", r"no artifact store for s4:// URLs"),
        ("ftp://host/x", "writes that never replace"),
        ("memory://x", "the next run would not find it"),
        ("file://share/x", "names no absolute path"),
        ("s3://zoe:hush@bucket/x?secret=hush", "a user name before the bucket"),
        ("s3://bucket/x?patience_seconds=long", "no number of seconds"),
        ("s3://bucket/x?patience_seconds=-1", "no number of seconds"),
    ],
)
def test_what_is_wrong_with_a_url_is_said(url: str, message: str) -> None:
    with pytest.raises(StoreError) as caught:
        parse_address(url)
    assert message in str(caught.value)
    assert "hush" not in str(caught.value)
    assert caught.value.hint


def test_a_url_is_shown_without_what_may_be_secret() -> None:
    assert shown("s3://zoe:hush@bucket/x?secret=hush") == "s3://bucket/x"
    assert shown("http://zoe:hush@host:1/") == "http://host:1/"
    assert "hush" not in address("s3://bucket/x?secret=hush").shown


def test_a_file_url_is_a_folder_that_is_shared(tmp_path: Path) -> None:
    blobs = open_blobs(Place(str(tmp_path / "home"), f"file://{tmp_path}/share%20d"))
    assert isinstance(blobs, LocalBlobs)
    assert blobs.root == f"{tmp_path}/share d"


def test_a_store_without_its_package_says_what_to_install(tmp_path: Path) -> None:
    pytest.importorskip("fsspec")
    for url, extra in (("gs://bucket/x", "solvent[gcs]"), ("az://box/x", "solvent[azure]")):
        try:
            __import__({"gs": "gcsfs", "az": "adlfs"}[url[:2]])
        except ImportError:
            with pytest.raises(StoreError, match="a package that is not installed") as caught:
                open_blobs(Place(str(tmp_path), url))
            assert caught.value.hint == f"pip install '{extra}'"
