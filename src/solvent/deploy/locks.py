"""The lock of a bundle: the distributions that its steps import, and what those need, with the versions of the run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import Any, NamedTuple

from solvent.environments.packages import normal_name
from solvent.errors import BundleError
from solvent.fingerprint.ownership import user_file

SERVER = ("solvent[serve]", "msgspec", "uvicorn", "httptools")
"""What every bundle needs beside its libraries."""

_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?\s*(.*)")
_EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")
_LINE = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(==|@)\s*(.+)")


class Lock(NamedTuple):
    """`text` is a requirements.txt; `packages` maps the distributions whose version may change an answer to that version."""

    text: str
    packages: dict[str, str]


class Requirement(NamedTuple):
    """One line of a distribution's metadata: `rest` is the bound of the version, `only` the extras that ask for it."""

    name: str
    extras: frozenset[str]
    rest: str
    only: frozenset[str]


class Environment(NamedTuple):
    """What a run ran in: `owners` maps top-level modules to distributions, `versions` these to versions, and `lock` is
    the requirements text of all of them."""

    owners: Mapping[str, Iterable[str]]
    versions: Mapping[str, str]
    lock: str

    def of(self, modules: Iterable[str]) -> set[str]:
        """Name the distributions behind modules, by their normal names."""
        return {normal_name(owner) for module in modules for owner in self.owners.get(module, ())} - {"solvent"}


def make_lock(named: Iterable[str], imported: Iterable[str], ran: Environment) -> Lock:
    """Lock the distributions of the modules that a slice names, and of those that were imported when it ran.

    What the run did not have, as the server's own libraries, gets the version that is installed here.
    """
    known = {normal_name(name): version for name, version in ran.versions.items()}
    addresses = dict(_addresses(ran.lock))
    own, loaded = ran.of(named), ran.of(imported)
    lines: dict[str, str] = {}
    for name, bound in closure([*SERVER, *sorted(own | loaded)]).items():
        version = known.get(name) or _installed_version(name)
        lines[name] = addresses.get(name) or (f"{name}=={version}" if version else f"{name}{bound}")
    # What was loaded besides, as psutil by joblib, is in the lock and may have another version.
    matter = sorted(own | (loaded & (closure(own).keys() | optional(own))))
    versions = {name: known.get(name) or _installed_version(name) for name in matter}
    return Lock("".join(f"{lines[name]}\n" for name in sorted(lines)), versions)


def closure(roots: Iterable[str]) -> dict[str, str]:
    """Give all distributions that these need, by normal name, with the bound that one of them sets.

    A requirement with a marker counts if it is installed: whoever installed it evaluated the marker. One of an extra counts
    if the extra is asked for.
    """
    found: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [parse(each) for each in roots]
    while waiting:
        one = waiting.pop()
        name = normal_name(one.name)
        if (name, one.extras) in seen:
            continue
        seen.add((name, one.extras))
        known = _distribution(name)
        if known is None and one.rest.partition(";")[2].strip() and not one.only:
            continue
        found.setdefault(name, one.rest.partition(";")[0].strip().strip("()"))
        for each in map(parse, (known.requires if known is not None else None) or ()):
            if not each.only or each.only & one.extras:
                waiting.append(each)
    return found


def optional(names: Iterable[str]) -> set[str]:
    """Give the distributions that these use where they are there: those of their extras, as PyArrow is one of pandas."""
    known = [one for name in names if (one := _distribution(name)) is not None]
    return {normal_name(parse(each).name) for one in known for each in one.requires or ()}


def parse(text: str) -> Requirement:
    """Take a requirement of a distribution's metadata apart."""
    matched = _NAME.match(text)
    if matched is None:
        raise BundleError(f"a requirement can't be read: {text!r}")
    name, extras, rest = matched.groups()
    only = frozenset(normal_name(each) for each in _EXTRA.findall(rest.partition(";")[2]))
    return Requirement(
        name, frozenset(normal_name(each) for each in (extras or "").split(",") if each.strip()), rest, only
    )


def imported_by(folder: str) -> list[str]:
    """Load a bundle in a process of its own, let it answer its examples, and name the top-level modules that it imported.

    BundleError if it can't: such a bundle would not start anywhere.
    """
    ours = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    path = [each for each in sys.path if each and os.path.abspath(each) != os.path.abspath(os.curdir)]
    start = (
        f"import sys; sys.path.append({ours!r}); from solvent.deploy.locks import main; "
        f"sys.path[:] = {path!r}; main({folder!r})"
    )
    done = subprocess.run([sys.executable, "-P", "-c", start], capture_output=True, text=True, check=False)
    if done.returncode:
        raise BundleError(
            f"the bundle can't be loaded by itself: {done.stderr.strip().rpartition(chr(10))[2]}",
            hint="a live step may use only what it is given, what its modules import, and no file of the project",
        )
    found: dict[str, list[str]] = json.loads(done.stdout.rpartition("\n")[2])
    if found["lacking"]:
        raise BundleError(
            f"the bundle lacks what its steps import: {', '.join(found['lacking'])}",
            hint="import it by a statement, at the top of its module or inside the step: names in texts are not followed",
        )
    return found["imported"]


def main(folder: str) -> None:
    """Load the bundle in `folder`, answer its examples, and print what was imported for that, and what it lacks."""
    before = set(sys.modules)
    from solvent.serving.folder import EXAMPLES, open_bundle
    from solvent.serving.program import Program
    from solvent.serving.tables import from_columns

    program = Program(open_bundle(folder))
    with open(os.path.join(folder, EXAMPLES), encoding="utf-8") as file:
        examples = json.load(file)
    lacking: set[str] = set()
    # Whether the answers are right is for the verification to say; here only what is imported on the way.
    try:
        program.run(from_columns(examples["request"], program.bundle.manifest.request))
    except ImportError as error:
        lacking.add(error.name or str(error))
    except Exception:
        pass
    new = set(sys.modules) - before
    lacking |= {name for name in new if _is_users(sys.modules[name])}
    tops = {name.partition(".")[0] for name in new} - sys.stdlib_module_names
    print("\n" + json.dumps({"imported": sorted(tops), "lacking": sorted(lacking)}), end="")


def _is_users(module: Any) -> bool:
    """Whether a module is the user's and not the bundle's, whose modules are in no list: it was found on this machine."""
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and user_file(file) and not module.__name__.startswith("solvent")


def _addresses(recorded: str) -> Iterator[tuple[str, str]]:
    """Give the lines of a lock for what was installed from an address that others can reach."""
    for line in recorded.splitlines():
        matched = _LINE.match(line)
        if matched and matched[2] == "@" and not matched[3].startswith("file:"):
            yield normal_name(matched[1]), line


def _installed_version(name: str) -> str:
    known = _distribution(name)
    return known.version if known is not None else ""


def _distribution(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None
