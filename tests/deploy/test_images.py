import json
import sys
import tarfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from solvent.deploy.bases import opened_base
from solvent.deploy.images import containerfile, write_image
from solvent.deploy.layers import write_layer
from solvent.errors import BundleError
from solvent.serving.folder import BLOBS, CODE, LOCK, MANIFEST, Bundle, open_bundle
from tests.deploy.layouts import INDEX, make_base, put, put_image, put_index, read_blob
from tests.serving.folders import make_folder

PYTHON = "{}.{}".format(*sys.version_info)


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return open_bundle(str(make_folder(tmp_path / "b", python=PYTHON, lock="packaging\n")))


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return make_base(tmp_path / "base", f"usr/local/bin/python{PYTHON}", f"usr/bin/python{PYTHON}")


def names_of(layout: Path, layer: dict[str, Any]) -> list[str]:
    with tarfile.open(layout / "blobs" / "sha256" / layer["digest"][7:]) as tar:
        assert {(each.uid, each.gid, each.mtime, each.uname) for each in tar} == {(0, 0, 0, "")}
        return tar.getnames()


@pytest.mark.slow
def test_an_image_is_the_base_and_a_layer_of_libraries_and_one_of_the_bundle(bundle: Bundle, base: Path) -> None:
    image = write_image(bundle, str(base), f"{bundle.folder}.oci")
    layout = Path(image.folder)
    (described,) = json.loads((layout / "index.json").read_text())["manifests"]
    assert described["digest"] == image.digest
    manifest = read_blob(layout, image.digest)
    config = read_blob(layout, manifest["config"]["digest"])
    _, libraries, own = manifest["layers"]
    assert "opt/solvent/packaging/version.py" in names_of(layout, libraries)
    assert f"bundle/{MANIFEST}" in names_of(layout, own)
    assert len(config["rootfs"]["diff_ids"]) == 3
    for each in manifest["layers"]:
        data = (layout / "blobs" / "sha256" / each["digest"][7:]).read_bytes()
        assert (f"sha256:{sha256(data).hexdigest()}", len(data)) == (each["digest"], each["size"])


@pytest.mark.slow
def test_an_image_starts_the_server_as_nobody_with_the_python_of_its_base(bundle: Bundle, base: Path) -> None:
    image = write_image(bundle, str(base), f"{bundle.folder}.oci")
    manifest = read_blob(Path(image.folder), image.digest)
    started = read_blob(Path(image.folder), manifest["config"]["digest"])["config"]
    assert started["Entrypoint"][:4] == [f"/usr/local/bin/python{PYTHON}", "-m", "solvent.serving", "/bundle"]
    assert started["User"] == "10001:10001"
    assert started["ExposedPorts"] == {"8000/tcp": {}}
    assert "Cmd" not in started
    assert started["Labels"]["base"] == "yes"
    assert started["Labels"]["solvent.bundle"] == bundle.digest
    assert started["Env"][:2] == ["PATH=/usr/bin", "PYTHONPATH=/opt/solvent"]


@pytest.mark.slow
def test_the_same_bundle_and_base_give_the_same_image(bundle: Bundle, base: Path, tmp_path: Path) -> None:
    first = write_image(bundle, str(base), str(tmp_path / "one"))
    again = write_image(bundle, str(base), str(tmp_path / "one"))
    other = write_image(bundle, str(base), str(tmp_path / "two"))
    assert first.digest == again.digest == other.digest


@pytest.mark.slow
def test_a_base_may_be_a_tar_archive_and_hold_images_of_several_platforms(bundle: Bundle, tmp_path: Path) -> None:
    layout = tmp_path / "many"
    ours, theirs = put_image(layout, f"usr/bin/python{PYTHON}"), put_image(layout, "bin/sh", architecture="mips")
    inner = put(layout, json.dumps({"manifests": [theirs, ours]}).encode(), INDEX)
    put_index(layout, inner)
    with tarfile.open(tmp_path / "many.tar", "w") as tar:
        tar.add(layout, ".")
    image = write_image(bundle, str(tmp_path / "many.tar"), str(tmp_path / "made"))
    manifest = read_blob(Path(image.folder), image.digest)
    assert manifest["layers"][0]["digest"] == read_blob(layout, ours["digest"])["layers"][0]["digest"]


@pytest.mark.slow
def test_of_several_images_for_this_platform_one_has_to_be_named(tmp_path: Path) -> None:
    layout = tmp_path / "tags"
    tagged = [put_image(layout, f"usr/bin/python{PYTHON}", name, tag=name) for name in ("slim", "full")]
    put_index(layout, *tagged)
    with (
        pytest.raises(BundleError, match="holds 2 images for this platform: slim, full"),
        opened_base(str(layout), PYTHON),
    ):
        pass
    with opened_base(f"{layout}:full", PYTHON) as base:
        assert base.layers == read_blob(layout, tagged[1]["digest"])["layers"]


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["usr/bin/python3.4"], r"has Python 3\.4, and the bundle needs"),
        (["bin/sh"], "has no Python, and the bundle needs"),
        (["lib/ld-musl-x86_64.so.1", f"usr/bin/python{PYTHON}"], "has the C library musl"),
    ],
)
def test_a_base_that_the_libraries_do_not_fit_is_refused(
    bundle: Bundle, tmp_path: Path, names: list[str], told: str
) -> None:
    base = make_base(tmp_path / "base", *names)
    with pytest.raises(BundleError, match=told):
        write_image(bundle, str(base), str(tmp_path / "made"))
    assert not (tmp_path / "made").exists()


def test_a_base_of_another_platform_an_altered_one_and_none_are_refused(
    bundle: Bundle, base: Path, tmp_path: Path
) -> None:
    other = put_index(tmp_path / "other", put_image(tmp_path / "other", "bin/sh", architecture="mips"))
    with pytest.raises(BundleError, match="holds none for linux/"):
        write_image(bundle, str(other), str(tmp_path / "made"))
    for blob in (base / "blobs" / "sha256").iterdir():
        blob.write_bytes(blob.read_bytes() + b" ")
    with pytest.raises(BundleError, match="the base image was altered"):
        write_image(bundle, str(base), str(tmp_path / "made"))
    with pytest.raises(BundleError, match="no base image at"):
        write_image(bundle, str(tmp_path / "absent"), str(tmp_path / "made"))
    with pytest.raises(BundleError, match="no OCI image layout"):
        write_image(bundle, bundle.folder, str(tmp_path / "made"))


def test_a_folder_that_is_no_image_is_left_alone(bundle: Bundle, base: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(BundleError, match="is no image"):
        write_image(bundle, str(base), str(tmp_path / "mine"))


@pytest.mark.slow
def test_libraries_that_are_not_here_or_have_another_version_are_named(tmp_path: Path, base: Path) -> None:
    for lock, told in (
        ("absent-library==1\n", "absent-library==1 is in the lock and not installed here"),
        ("packaging==1.0\n", r"packaging .* is installed here, and the lock has 1\.0"),
    ):
        one = open_bundle(str(make_folder(tmp_path / told[:6], python=PYTHON, lock=lock)))
        with pytest.raises(BundleError, match=told):
            write_image(one, str(base), str(tmp_path / "made"))


def test_layers_do_not_depend_on_order_times_and_modes(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("1")
    two.write_text("2")
    first = write_layer({"a/one": str(one), "a/b/two": str(two)}, str(tmp_path))
    one.chmod(0o600)
    one.touch()
    assert write_layer({"a/b/two": str(two), "a/one": str(one)}, str(tmp_path)) == first


def test_a_containerfile_installs_the_lock_before_it_copies_the_bundle(bundle: Bundle) -> None:
    lines = containerfile(bundle).splitlines()
    copied = [line for line in lines if line.startswith("COPY")]
    assert copied == [f'COPY ["b/{LOCK}", "/bundle/"]', 'COPY ["b/", "/bundle/"]']
    assert f"ARG BASE=python:{PYTHON}-slim" in lines
    assert lines.index("USER 10001:10001") > lines.index(copied[1])
    assert {CODE, BLOBS} & set(" ".join(lines).split()) == set()
