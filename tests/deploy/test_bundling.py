import json
import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from solvent.deploy.folders import check_free, replacing
from solvent.deploy.locks import imported_by
from solvent.errors import BundleError
from solvent.serving.folder import MANIFEST, open_bundle
from tests.deploy.shop import write_shop
from tests.serving.folders import make_folder, signed_again
from tests.serving.servers import solvent

ASK = """
import json, sys
from solvent.serving.environment import open_fitting
from solvent.serving.program import Program
from solvent.serving.tables import from_columns, to_columns
program = Program(open_fitting("b"))
examples = json.load(open("b/examples.json"))
manifest = program.bundle.manifest
answer = program.run(from_columns(examples["request"], manifest.request))
print(json.dumps([to_columns(answer, [each.name for each in manifest.response.columns]), sorted(sys.modules)]))
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of `tests/deploy/shop.py`, run, with the bundle of its endpoint in `b`."""
    folder = write_shop(tmp_path_factory.mktemp("shop"))
    solvent(folder, "run", "shop.flow:shop", "--quiet", "--engine", "inline")
    solvent(folder, "bundle", "shop", "-o", "b")
    return folder


@pytest.mark.slow
def test_a_bundle_has_the_code_of_its_slice_alone(shop: Path) -> None:
    code = shop / "b" / "code" / "shop"
    found = {path.relative_to(code).as_posix() for path in code.rglob("*.py")}
    assert found == {"__init__.py", "flow.py", "kinds.py", "prep/__init__.py", "prep/columns.py", "prep/late.py"}
    flow = (code / "flow.py").read_text()
    assert "def make" in flow
    assert "square = make(2)" in flow
    for word in ("sklearn", "matplotlib", "def load", "def fit", "WORDS", "Endpoint"):
        assert word not in flow
    assert "matplotlib" not in (code / "kinds.py").read_text()


@pytest.mark.slow
def test_a_bundle_answers_with_no_store_no_network_no_settings_and_nothing_that_it_does_not_need(
    shop: Path, tmp_path: Path
) -> None:
    os.symlink(shop / "b", tmp_path / "b")
    alone = ["unshare", "-rn"] if subprocess.run(["unshare", "-rn", "true"], check=False).returncode == 0 else []
    done = subprocess.run(
        [*alone, sys.executable, "-c", ASK],
        cwd=tmp_path,
        env={"PYTHONPATH": os.environ.get("PYTHONPATH", "")},
        capture_output=True,
        text=True,
        check=True,
    )
    answer, modules = json.loads(done.stdout)
    expected = json.loads((shop / "b" / "examples.json").read_text())["response"]
    assert {name: pytest.approx(values, abs=1e-9) for name, values in expected.items()} == answer
    assert not {"matplotlib", "sklearn", "sqlite3", "shop", "solvent.runs.demand"} & set(modules)


@pytest.mark.slow
def test_a_bundle_has_the_lock_of_what_it_imports(shop: Path) -> None:
    names = {line.partition("==")[0] for line in (shop / "b" / "requirements.txt").read_text().splitlines()}
    assert {"numpy", "pandas", "solvent", "uvicorn", "msgspec", "httptools", "python-dateutil"} <= names
    assert not {"matplotlib", "scikit-learn", "pytest", "scipy"} & names
    manifest = open_bundle(str(shop / "b")).manifest
    assert {"numpy", "pandas"} <= set(manifest.packages) <= names
    assert "uvicorn" not in manifest.packages


@pytest.mark.slow
@pytest.mark.parametrize("name", ["shop.extra", "elsewhere"])
def test_a_module_that_only_a_text_names_is_missed_when_the_bundle_is_made(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    bundle = Path(shutil.copytree(shop / "b", tmp_path / "b"))
    flow = bundle / "code" / "shop" / "flow.py"
    flow.write_text(
        flow.read_text().replace("return rows", f"import importlib; importlib.import_module('{name}'); return rows")
    )
    (tmp_path / "elsewhere.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(BundleError, match=f"lacks what its steps import: {name}"):
        imported_by(str(signed_again(bundle)))


@pytest.mark.slow
def test_large_plain_arguments_and_frozen_artifacts_are_blobs_named_by_what_they_hold(shop: Path) -> None:
    blobs = list((shop / "b" / "blobs").iterdir())
    assert blobs
    assert all(sha256(path.read_bytes()).hexdigest() == path.name for path in blobs)


@pytest.mark.slow
def test_the_same_slice_gives_the_same_bytes_wherever_whenever_and_whatever_else_is_in_its_files(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = write_shop(tmp_path / "an other ü")
    flow = other / "shop" / "flow.py"
    flow.write_text(flow.read_text().replace("@step\ndef load()", "# Loads.\nimport ast\n\n\n@step\ndef load()"))
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    solvent(other, "run", "shop.flow:shop", "--quiet", "--engine", "inline")
    solvent(other, "bundle", "shop", "-o", "b")
    for path in (shop / "b").rglob("*"):
        if path.is_file() and path.name != "annotations.json":
            assert path.read_bytes() == (other / "b" / path.relative_to(shop / "b")).read_bytes(), path.name


@pytest.mark.slow
def test_an_earlier_bundle_is_replaced_and_anything_else_is_left_alone(shop: Path) -> None:
    before = (shop / "b" / MANIFEST).read_bytes()
    told = json.loads(solvent(shop, "bundle", "shop", "-o", "b", "--containerfile", "--json"))
    assert sha256(before).hexdigest() == told["digest"]
    assert Path(told["containerfile"]).read_text().startswith("# Endpoint shop")
    refused = subprocess.run(
        [sys.executable, "-m", "solvent", "bundle", "shop", "-o", "shop"],
        cwd=shop,
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 2
    assert "is there already, and is no bundle: nothing in it is touched" in refused.stderr


def write_badly(folder: Path) -> None:
    with replacing(str(folder), "thing") as made:
        (Path(made) / "new").touch()
        raise ZeroDivisionError


def test_a_folder_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "b")
    with pytest.raises(ZeroDivisionError):
        write_badly(folder)
    assert open_bundle(str(folder)).manifest.endpoint == "thing"
    with replacing(str(folder), "thing") as made:
        (Path(made) / "new").touch()
    assert [each.name for each in folder.iterdir()] == ["new"]
    assert [each.name for each in tmp_path.iterdir()] == ["b"]


def test_a_bundle_of_another_endpoint_is_replaced_only_by_force(tmp_path: Path) -> None:
    folder = str(make_folder(tmp_path / "b"))
    with pytest.raises(BundleError, match="is a bundle of endpoint thing"):
        check_free(folder, "other")
    check_free(folder, "thing")
    check_free(folder, "other", forced=True)
    (tmp_path / "b" / MANIFEST).write_text("{")
    with pytest.raises(BundleError, match="a bundle that can't be read"):
        check_free(folder, "thing")
    check_free(folder, "thing", forced=True)


def test_a_file_a_link_and_a_folder_of_other_things_are_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    check_free(str(tmp_path / "empty"), "thing")
    for name in ("file", "link", "mine"):
        with pytest.raises(BundleError, match="is there already"):
            check_free(str(tmp_path / name), "thing", forced=True)
