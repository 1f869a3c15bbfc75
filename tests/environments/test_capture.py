import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from solvent.environments.capture import Environment, capture

SOURCE = Path(__file__).parents[2] / "src"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder that distributions are installed in."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    library = os.path.dirname(os.__file__)
    monkeypatch.setattr(sys, "path", [library, os.path.join(library, "lib-dynload"), str(folder), str(tmp_path / "no")])
    return folder


def install(site: Path, name: str, version: str, **files: str) -> Path:
    folder = site / f"{name}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nName: a description\n"
    )
    for file, text in files.items():
        (folder / file.replace("_json", ".json").replace("_txt", ".txt")).write_text(text)
    return folder


def make_old(folder: Path) -> None:
    """Date a folder back, as one that was installed some time ago."""
    os.utime(folder, (time.time() - 60, time.time() - 60))


def test_distributions_are_listed_with_their_versions(site: Path, tmp_path: Path) -> None:
    install(site, "Zeta", "2.0")
    install(site, "alpha_one", "1.5")
    found = capture(tmp_path)
    assert found.distributions == (("alpha_one", "1.5"), ("Zeta", "2.0"))
    assert found.lock == "alpha_one==1.5\nZeta==2.0\n"
    assert found.python == f"{sys.version_info[0]}.{sys.version_info[1]}"


def test_a_known_environment_is_read_back_equal(site: Path, tmp_path: Path) -> None:
    install(site, "alpha", "1.0", RECORD="alpha/__init__.py,,\n")
    assert capture(tmp_path) == capture(tmp_path)


def test_a_known_environment_reads_no_metadata(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site, "alpha", "1.0")
    first = capture(tmp_path)

    def refuse(*_: Any) -> None:
        raise AssertionError("it was read again")

    monkeypatch.setattr("solvent.environments.capture._describe", refuse)
    assert capture(tmp_path) == first


def test_a_new_distribution_is_seen_at_once(site: Path, tmp_path: Path) -> None:
    install(site, "alpha", "1.0")
    before = capture(tmp_path)
    install(site, "beta", "3.0")
    after = capture(tmp_path)
    assert ("beta", "3.0") in after.distributions
    assert after.digest != before.digest


def test_a_new_distribution_is_seen_in_a_folder_of_old(site: Path, tmp_path: Path) -> None:
    make_old(site)
    capture(tmp_path)
    install(site, "beta", "3.0")
    assert ("beta", "3.0") in capture(tmp_path).distributions


def test_a_distribution_changed_in_place_is_seen(site: Path, tmp_path: Path) -> None:
    metadata = install(site, "alpha", "1.0") / "METADATA"
    make_old(site)
    before, stat = capture(tmp_path), metadata.stat()
    metadata.write_text(metadata.read_text().replace("1.0", "1.1"))
    os.utime(metadata, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    after = capture(tmp_path)
    assert after.distributions == (("alpha", "1.1"),)
    assert after.digest != before.digest


def test_a_removed_distribution_is_gone(site: Path, tmp_path: Path) -> None:
    folder = install(site, "alpha", "1.0")
    capture(tmp_path)
    (folder / "METADATA").unlink()
    folder.rmdir()
    assert capture(tmp_path).distributions == ()


def test_of_two_the_first_on_the_path_counts(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    second = tmp_path / "second"
    second.mkdir()
    install(site, "Alpha_x", "1.0")
    install(second, "alpha-x", "2.0")
    monkeypatch.setattr(sys, "path", [*sys.path, str(second)])
    assert capture(tmp_path).distributions == (("Alpha_x", "1.0"),)


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"listing": {}}', '{"environment": {}}'])
def test_a_damaged_listing_is_made_again(site: Path, tmp_path: Path, damage: str) -> None:
    install(site, "alpha", "1.0")
    first = capture(tmp_path)
    (kept,) = tmp_path.glob("environment-*.json")
    kept.write_text(damage)
    assert capture(tmp_path) == first


def test_a_folder_that_cannot_be_written_costs_only_time(site: Path, tmp_path: Path) -> None:
    install(site, "alpha", "1.0")
    (tmp_path / "file").write_text("")
    assert capture(tmp_path / "file" / "cache").distributions == (("alpha", "1.0"),)


def test_import_names_lead_to_versions(site: Path, tmp_path: Path) -> None:
    install(site, "scikit-learn", "1.9", RECORD="sklearn/__init__.py,,\nsklearn/a.cpython-311.so,,\nscikit/x.txt,,\n")
    install(site, "six", "1.16", RECORD="six.py,sha256=x,1\nsix-1.16.dist-info/METADATA,,\n../../bin/six,,\n")
    install(site, "google-a", "1.0", RECORD="google/a/__init__.py,,\n")
    install(site, "google-b", "2.0", top_level_txt="google\n")
    found = capture(tmp_path)
    assert found.versions(["sklearn", "six", "json"]) == {"scikit-learn": "1.9", "six": "1.16"}
    assert found.versions(["google"]) == {"google-a": "1.0", "google-b": "2.0"}
    assert found.versions(["nowhere"]) == {"nowhere": "unknown"}


def test_old_kinds_of_metadata_are_read(site: Path, tmp_path: Path) -> None:
    (site / "old-1.0.egg-info").mkdir()
    (site / "old-1.0.egg-info" / "PKG-INFO").write_text("Name: old\nVersion: 1.0\n")
    (site / "older.egg-info").write_text("Name: older\nVersion: 0.5\n")
    (site / "broken-1.dist-info").mkdir()
    assert capture(tmp_path).distributions == (("old", "1.0"), ("older", "0.5"))


def test_this_environment_agrees_with_the_standard_library(tmp_path: Path) -> None:
    from importlib.metadata import version

    found: Environment = capture(tmp_path)
    assert dict(found.distributions)["pytest"] == version("pytest")
    assert found.versions(["_pytest"]) == {"pytest": version("pytest")}


def test_a_known_environment_is_found_without_heavy_imports(tmp_path: Path) -> None:
    code = (
        "import sys; from solvent.environments.capture import capture\n"
        f"capture({str(tmp_path)!r})\n"
        "print(*{'importlib.metadata', 'email', 'subprocess', 'platform', 'tempfile'} & set(sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
