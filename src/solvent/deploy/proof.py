"""The proof that the code of a bundle is that of the run: loaded from there, its steps have the recorded fingerprints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from solvent.errors import BundleError
from solvent.model import CodeFingerprint

if TYPE_CHECKING:
    from solvent.model import Symbol

_SHOWN = 5


def module_of(name: str) -> str:
    """Give the loaded module that a dotted name of a symbol begins with."""
    module = name
    while module and module not in sys.modules:
        module = module.rpartition(".")[0]
    return module


def prove(code: str, recorded: Mapping[str, CodeFingerprint]) -> list[str]:
    """Load steps ("module:qualname") from the folder `code` in a process of its own; name what is not as recorded.

    BundleError if a step can't be loaded from there at all.
    """
    asked = {function: _classes(found.symbols) for function, found in recorded.items()}
    ours = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    path = [each for each in sys.path if each and os.path.abspath(each) != os.path.abspath(os.curdir)]
    start = (
        f"import sys; sys.path.append({ours!r}); from solvent.deploy.proof import main; "
        f"sys.path[:] = [{code!r}, *{path!r}]; main()"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", start], input=json.dumps(asked), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BundleError(
            f"the code of the slice can't be loaded by itself: {done.stderr.strip().rpartition(chr(10))[2]}",
            hint="import what a step needs in its module or inside the step, not in the module that calls it",
        )
    found = json.loads(done.stdout.rpartition("\n")[2])
    differing: dict[str, None] = {}
    for function, fingerprint in recorded.items():
        there = {tuple(each) for each in found[function]}
        differing.update(
            {each.name: None for each in fingerprint.symbols if (each.name, each.kind, each.digest) not in there}
        )
    return list(differing)


def refuse(differing: list[str]) -> BundleError:
    """Say that the code of a bundle would not be that of the run."""
    more = f" and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
    return BundleError(
        f"loaded by itself, the code of the slice is not that of the run: {', '.join(differing[:_SHOWN])}{more}",
        hint="give names at the top level of a module one meaning, and define what steps need beside them",
    )


def main() -> None:
    """Read which steps to load from standard input, and print the symbols that each of them reaches."""
    from solvent.fingerprint.code import fingerprint_code
    from solvent.serving.code import find_step

    asked: dict[str, list[str]] = json.load(sys.stdin)
    found = {
        function: [
            (each.name, each.kind, each.digest)
            for each in fingerprint_code(find_step(function).__wrapped__, extra_classes=tuple(classes)).symbols
        ]
        for function, classes in asked.items()
    }
    print("\n" + json.dumps(found), end="")


def _classes(symbols: Iterable[Symbol]) -> list[str]:
    names = [each.name for each in symbols if each.kind == "class"]
    return [f"{module}:{name[len(module) + 1 :]}" for name in names if (module := module_of(name)) and module != name]
