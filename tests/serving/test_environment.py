import json
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from solvent.errors import BundleError
from solvent.serving.environment import Difference, differences, installed, normal_name, open_fitting
from solvent.serving.folder import MANIFEST
from tests.serving.folders import make_folder, make_manifest, signed_again
from tests.serving.servers import serving

PYTHON = "{}.{}".format(*sys.version_info)


def test_the_environment_of_the_run_is_no_difference() -> None:
    manifest = make_manifest(python=PYTHON, packages={"PyYAML": version("PyYAML"), "msgspec": version("msgspec")})
    assert differences(manifest) == []


def test_each_difference_is_told_with_what_was_expected_and_found() -> None:
    manifest = make_manifest(python="3.4", packages={"msgspec": "0.1", "absent": "1"})
    assert differences(manifest) == [
        Difference("Python", "3.4", PYTHON),
        Difference("msgspec", "0.1", version("msgspec")),
        Difference("absent", "1", ""),
    ]


def test_versions_are_read_off_folders_and_the_first_on_the_path_counts(tmp_path: Path) -> None:
    for name in ("one/Foo_Bar-1.0.dist-info", "two/foo_bar-2.0.dist-info", "two/other-3.0+cpu.dist-info"):
        (tmp_path / name).mkdir(parents=True)
    path = [str(tmp_path / name) for name in ("absent", "one", "two")]
    assert installed(path) == {"foo-bar": "1.0", "other": "3.0+cpu"}
    assert normal_name("Foo__bar.Baz") == "foo-bar-baz"


def test_another_version_is_refused_with_the_list_and_accepted_for_a_replay(tmp_path: Path) -> None:
    folder = str(make_folder(tmp_path / "b", python=PYTHON, packages={"msgspec": "0.1", "absent": "1"}))
    with pytest.raises(BundleError, match=r"absent is missing .*, msgspec .* \(expected 0\.1\)") as told:
        open_fitting(folder)
    assert "pip install -r" in str(told.value.hint)
    assert "--replay" in str(told.value.hint)
    assert open_fitting(folder, replay=True).folder == folder


@pytest.mark.slow
def test_a_server_with_other_versions_starts_only_if_it_answers_the_recorded_rows(cancer: Path, tmp_path: Path) -> None:
    bundle = signed_again(Path(shutil.copytree(cancer, tmp_path / "b")), packages={"numpy": "1.0"})
    asked = [sys.executable, "-m", "solvent.serving", str(bundle), "--port", "0"]
    refused = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "numpy" in refused.stderr
    assert "(expected 1.0)" in refused.stderr
    examples = json.loads((bundle / "examples.json").read_text())
    with serving(bundle, "--replay") as server:
        assert server.post("/predict", {"columns": examples["request"]}).status == 200
    name = next(iter(examples["response"]))
    examples["response"][name][3] += 0.001
    (bundle / "examples.json").write_text(json.dumps(examples))
    signed_again(bundle)
    failed = subprocess.run([*asked, "--replay"], capture_output=True, text=True, check=False)
    assert failed.returncode == 2
    assert "does not answer as its run did" in failed.stderr
    assert (bundle / MANIFEST).is_file()
