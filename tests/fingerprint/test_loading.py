"""Modules of the user come from their source, whatever a bytecode cache says; installed ones are left alone."""

import importlib
import importlib.util
import os
import py_compile
import sys
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path

import pytest

from solvent.fingerprint.loading import SourceLoader, compile_user_modules_from_source, loaded_code
from tests.fingerprint.conftest import Sources

SAME_TIME = (10**18, 10**18)


def stale_cache(path: Path, old: str, new: str) -> None:
    """Leave a bytecode cache of the old text beside the new text, of the same size and time."""
    path.write_text(old)
    os.utime(path, ns=SAME_TIME)
    py_compile.compile(str(path), doraise=True)
    path.write_text(new)
    os.utime(path, ns=SAME_TIME)


def test_a_stale_bytecode_cache_is_not_used(sources: Sources) -> None:
    """Python itself would run the old code."""
    stale_cache(sources.folder / "stale.py", "K = 1\n", "K = 2\n")
    assert sources.load("stale").K == 2


def test_a_stale_cache_in_a_package_is_not_used(sources: Sources) -> None:
    """Folders inside the folder count too, with or without an __init__.py."""
    for folder in ("pkg", "bare"):
        (sources.folder / folder).mkdir()
        stale_cache(sources.folder / folder / "stale.py", "K = 1\n", "K = 2\n")
    (sources.folder / "pkg" / "__init__.py").write_text("")
    assert sources.load("pkg.stale").K == 2
    assert sources.load("bare.stale").K == 2


def test_installed_modules_keep_their_caches(sources: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are not edited, and loading them from source would be slow."""
    folder = sources.folder / "lib" / "site-packages"
    folder.mkdir(parents=True)
    stale_cache(folder / "installed_here.py", "K = 1\n", "K = 2\n")
    monkeypatch.syspath_prepend(str(folder))
    assert sources.load("installed_here").K == 1


def test_a_module_found_by_an_editable_install_is_loaded_from_source(
    sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its finder names the file itself, so no hook of the path sees it."""
    path = sources.folder / "elsewhere" / "edited_here.py"
    path.parent.mkdir()
    stale_cache(path, "K = 1\n", "K = 2\n")

    class EditableFinder:
        @staticmethod
        def find_spec(name: str, folder: object = None, target: object = None) -> ModuleSpec | None:
            return importlib.util.spec_from_file_location(name, path) if name == "edited_here" else None

    EditableFinder.__module__ = "__editable___edited_finder"
    monkeypatch.setattr(sys, "meta_path", [EditableFinder, *sys.meta_path])
    assert sources.load("edited_here").K == 1
    monkeypatch.setattr(sys, "path_hooks", [hook for hook in sys.path_hooks if "_find_in_user" not in hook.__name__])
    compile_user_modules_from_source()
    assert sources.load("edited_here").K == 2


def test_installing_twice_adds_one_hook(sources: Sources) -> None:
    """It is called at every start of a run."""
    before = list(sys.path_hooks)
    compile_user_modules_from_source()
    assert sys.path_hooks == before


def test_what_was_imported_before_stays(sources: Sources) -> None:
    """Its fingerprint is of the code that was loaded, so nothing is wrong with it."""
    sources.write(early="K = 1\n")
    module = sources.load("early")
    compile_user_modules_from_source()
    assert sys.modules["early"] is module


def test_the_loaded_code_is_remembered(sources: Sources) -> None:
    """A module is taken as a whole as it was loaded, though its file was edited since."""
    sources.write(whole="K = 1\n")
    sources.load("whole")
    code = loaded_code(str(sources.folder / "whole.py"))
    sources.edit("whole", "K = 1", "K = 2")
    assert code is not None
    assert code is loaded_code(str(sources.folder / "whole.py"))
    assert 1 in code.co_consts


def test_a_module_loaded_by_us_is_like_any_other(sources: Sources) -> None:
    """Tracebacks, reloading and the source of functions work."""
    import inspect

    sources.write(plain="def f():\n    return 1\n")
    module = sources.load("plain")
    assert isinstance(module.__spec__ and module.__spec__.loader, SourceLoader | SourceFileLoader)
    assert inspect.getsource(module.f) == "def f():\n    return 1\n"
    sources.edit("plain", "return 1", "return 2")
    assert importlib.reload(module).f() == 2


def test_a_syntax_error_is_the_users_own(sources: Sources) -> None:
    """It names the user's file and line."""
    sources.write(broken="def f(:\n")
    with pytest.raises(SyntaxError) as error:
        sources.load("broken")
    assert error.value.filename == str(sources.folder / "broken.py")
    assert error.value.lineno == 1
