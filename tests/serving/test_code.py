"""Private modules: bundles whose modules have the same names don't know of each other, nor does the process."""

import gc
import sys
import threading
import traceback
import weakref
from pathlib import Path
from typing import Any

import pytest

from solvent.artifacts.saving import load, save
from solvent.errors import BundleError
from solvent.fingerprint.values import identify
from solvent.serving.code import Code, private_modules
from solvent.serving.folder import FolderBlobs


def write(folder: Path, **files: str) -> Code:
    """Write modules, each named by its path with __ between the parts."""
    for name, text in files.items():
        path = folder.joinpath(*name.split("__")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Code(str(folder))


def test_two_bundles_have_modules_of_one_name(tmp_path: Path) -> None:
    one = write(tmp_path / "one", zoo_steps="import zoo_rates\ndef rate(): return zoo_rates.RATE", zoo_rates="RATE = 1")
    two = write(tmp_path / "two", zoo_steps="import zoo_rates\ndef rate(): return zoo_rates.RATE", zoo_rates="RATE = 2")
    assert (one.find("zoo_steps:rate")(), two.find("zoo_steps:rate")(), one.find("zoo_steps:rate")()) == (1, 2, 1)
    assert not {"zoo_steps", "zoo_rates"} & set(sys.modules)
    assert {"zoo_steps", "zoo_rates"} <= {each.__name__ for each in private_modules()}


def test_an_import_inside_a_function_finds_the_module_of_its_own_bundle(tmp_path: Path) -> None:
    late = "def rate():\n    from zoo_rates import RATE\n    return RATE"
    codes = [write(tmp_path / str(at), zoo_steps=late, zoo_rates=f"RATE = {at}") for at in range(3)]
    rates = [code.find("zoo_steps:rate") for code in codes]
    assert [rate() for rate in rates] == [0, 1, 2]
    assert [rate() for rate in reversed(rates)] == [2, 1, 0]


def test_packages_relative_imports_and_names_by_text_are_private(tmp_path: Path) -> None:
    def package(folder: str, rate: int) -> Code:
        return write(
            tmp_path / folder,
            zoo____init__="from .parts import steps",
            zoo__parts__steps="from .. import rates\nfrom ..rates import RATE\nimport zoo.rates as other\n"
            "def rate():\n    import zoo.late\n    from . import steps\n    import importlib\n"
            "    text = importlib.import_module('..late', 'zoo.parts')\n"
            "    return RATE, rates.RATE, other.RATE, zoo.late.RATE, steps.RATE, text.RATE",
            zoo__rates=f"RATE = {rate}",
            zoo__late=f"RATE = {rate}",
        )

    one, two = package("one", 1), package("two", 2)
    for _ in range(2):
        assert one.find("zoo.parts.steps:rate")() == (1,) * 6
        assert two.find("zoo.parts.steps:rate")() == (2,) * 6
    assert not [name for name in sys.modules if name.partition(".")[0] == "zoo"]


def test_what_the_process_has_under_the_name_is_back_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside: Any = type(sys)("zoo_rates")
    monkeypatch.setitem(sys.modules, "zoo_rates", outside)
    code = write(tmp_path, zoo_rates="import sys\nRATE = 1\nSEEN = sys.modules[__name__].RATE")
    with code.loading():
        assert sys.modules.get("zoo_rates") is not outside
        assert code.find("zoo_rates:SEEN") == 1
    assert sys.modules["zoo_rates"] is outside


def test_a_module_that_fails_leaves_the_process_as_it_was(tmp_path: Path) -> None:
    before, finders = set(sys.modules), list(sys.meta_path)
    code = write(tmp_path, zoo_steps="import zoo_absent")
    with pytest.raises(BundleError, match="zoo_absent"):
        code.find("zoo_steps:rate")
    assert set(sys.modules) == before
    assert sys.meta_path == finders


def test_dataclasses_with_annotations_as_text_find_their_module(tmp_path: Path) -> None:
    code = write(
        tmp_path,
        zoo_steps="from __future__ import annotations\nfrom dataclasses import dataclass\nfrom typing import ClassVar\n"
        "@dataclass(frozen=True)\nclass Rate:\n    kind: ClassVar[str] = 'a'\n    value: int",
    )
    assert code.find("zoo_steps:Rate")(3).value == 3


def test_a_stored_object_comes_back_as_the_class_of_its_own_bundle(tmp_path: Path) -> None:
    text = (
        "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass Rate:\n    value: int\n"
        "    def now(self): return self.value * {factor}\n"
    )
    one, two = (write(tmp_path / str(factor), zoo_kinds=text.format(factor=factor)) for factor in (1, 100))
    blobs: Any = FolderBlobs(str(tmp_path / "blobs"))
    with one.loading():
        rate = one.find("zoo_kinds:Rate")(7)
        stored = save(rate, identify(rate), blobs)
    found = []
    for code in (one, two, one):
        with code.loading():
            found.append(load(stored, blobs))
    assert [each.now() for each in found] == [7, 700, 7]
    assert [type(each) is code.find("zoo_kinds:Rate") for each, code in zip(found, (one, two, one), strict=True)] == [
        True
    ] * 3


def test_a_traceback_shows_the_file_and_the_line_of_the_bundle(tmp_path: Path) -> None:
    code = write(tmp_path, zoo_steps="def rate():\n    raise ValueError('no rate')")
    with pytest.raises(ValueError, match="no rate") as caught:
        code.find("zoo_steps:rate")()
    shown = "".join(traceback.format_exception(caught.value))
    assert f'{tmp_path / "zoo_steps.py"}", line 2, in rate' in shown
    assert "raise ValueError('no rate')" in shown


def test_compiled_files_are_neither_read_nor_written(tmp_path: Path) -> None:
    code = write(tmp_path, zoo_steps="RATE = 1")
    assert code.find("zoo_steps:RATE") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["zoo_steps.py"]


def test_threads_import_from_their_own_bundles_at_once(tmp_path: Path) -> None:
    late = "def rate():\n    import zoo_rates\n    return zoo_rates.RATE"
    codes = [write(tmp_path / str(at), zoo_steps=late, zoo_rates=f"RATE = {at}") for at in range(8)]
    rates = [code.find("zoo_steps:rate") for code in codes]
    found: dict[int, set[int]] = {}
    gate = threading.Barrier(len(rates))

    def ask(at: int) -> None:
        gate.wait()
        found[at] = {rates[at]() for _ in range(50)}

    threads = [threading.Thread(target=ask, args=(at,)) for at in range(len(rates))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {at: {at} for at in range(len(rates))}


@pytest.mark.slow
def test_modules_of_a_bundle_that_nobody_holds_are_freed(tmp_path: Path) -> None:
    code = write(tmp_path, zoo_steps="def rate(): return 1")
    code.find("zoo_steps:rate")
    seen = weakref.ref(code.modules["zoo_steps"])
    del code
    gc.collect()
    assert seen() is None
