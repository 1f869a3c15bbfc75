"""A user's code that tests write, load, edit and load again."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from types import ModuleType

import pytest

from solvent.fingerprint import imports
from solvent.fingerprint.code import fingerprint_code
from solvent.fingerprint.loading import compile_user_modules_from_source
from solvent.model import CodeFingerprint


class Sources:
    """Modules in a folder of their own; each `load` is as if a new process imported them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, **modules: str) -> None:
        """Write modules; two underscores in a name stand for a dot."""
        for name, text in modules.items():
            path = self.folder / (name.replace("__", "/") + ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text))
        importlib.invalidate_caches()

    def edit(self, module: str, old: str, new: str) -> None:
        """Replace text that must be there in a module."""
        path = self.folder / (module.replace(".", "/") + ".py")
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def forget(self) -> None:
        """Unload what was loaded from the folder."""
        for name, module in list(sys.modules.items()):
            places = [vars(module).get("__file__") or "", *vars(module).get("__path__", ())]
            if any(str(place).startswith(str(self.folder)) for place in places):
                del sys.modules[name]
        imports._loaded_at_first = None

    def load(self, module: str = "steps") -> ModuleType:
        """Import a module afresh."""
        self.forget()
        return importlib.import_module(module)

    def fingerprint(self, function: str = "main", module: str = "steps") -> CodeFingerprint:
        """Return the fingerprint of a function of a module that is imported afresh."""
        return fingerprint_code(getattr(self.load(module), function))


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sources]:
    """An empty folder on the import path."""
    hooks = list(sys.path_hooks)
    compile_user_modules_from_source()
    monkeypatch.syspath_prepend(str(tmp_path))
    found = Sources(tmp_path)
    yield found
    found.forget()
    sys.path_hooks[:] = hooks
    sys.path_importer_cache.pop(str(tmp_path), None)
