"""What an execution is seen to read: observations for its record, and whether they still hold later."""

from __future__ import annotations

import os
import time
from collections.abc import Collection

from solvent.config import secrets
from solvent.errors import IdentityError
from solvent.fingerprint.bytecode import digest_code
from solvent.fingerprint.files import digest_file, relative
from solvent.fingerprint.sources import read_source
from solvent.fingerprint.structure import digest
from solvent.model import FileMemo, Observation
from solvent.runs import catalogue, natives, witness
from solvent.runs.children import reports

# A secret is no data: its file is not hashed, and a new password runs no step again.
secrets.apart = witness.quietly

_CLOCK_NS = 20_000_000
"""The clock that file systems use may be this far behind."""

ABSENT, CHANGED, UNREADABLE = "absent", "changed", "unreadable"


class Observer:
    """Watches one execution while its `with` block lasts.

    Files opened for reading and looked for in vain, folders listed, user modules imported; not what belongs to the
    interpreter, to installed packages or to the store, not what the step made itself, not what it declared.
    """

    def __init__(
        self,
        root: str,
        store: str,
        *,
        declared: Collection[str] = (),
        known_modules: Collection[str] = (),
        memo: FileMemo | None = None,
        ignore_threads: Collection[int] = (),
    ) -> None:
        self._root = root
        self._store = os.path.join(os.path.abspath(store), "")
        self._declared = tuple(os.path.abspath(each) for each in declared)
        self._known_modules = frozenset(known_modules)
        self._memo = memo
        self._ignored = frozenset(ignore_threads)
        self._watcher = witness.Watcher()
        self._mark = 0
        self._began_ns = 0

    def __enter__(self) -> Observer:
        natives.wrap_loaded()
        folder = os.path.join(self._store, "tmp")
        self._mark = reports.mark(folder)
        witness.prepare_children = lambda: reports.prepare(folder)
        self._watcher = witness.Watcher(self._ignored)
        self._began_ns = time.time_ns()
        witness.watch(self._watcher)
        return self

    def __exit__(self, *error: object) -> None:
        witness.stop(self._watcher)

    def observations(self) -> tuple[Observation, ...]:
        """Give what was seen; a file that changed between its opening and now can never hold again."""
        watcher = self._watcher
        self._take_reports()
        if not (watcher.files or watcher.modules or watcher.folders):
            return ()
        # What is hashed here is not read by a step of another thread.
        found: tuple[Observation, ...] = witness.quietly(self._observations)
        return found

    def _observations(self) -> tuple[Observation, ...]:
        watcher = self._watcher
        recall([path for path in watcher.files if self._counts(path)], self._memo)
        files = [self._file(path, state) for path, state in watcher.files.items() if self._counts(path)]
        modules = [
            self._module(path, state)
            for path, state in watcher.modules.items()
            if self._counts(path) and path not in self._known_modules
        ]
        folders = [self._folder(path, names) for path, names in watcher.folders.items() if self._counts(path)]
        return tuple(sorted([*files, *modules, *folders]))

    def _take_reports(self) -> None:
        """Add to the notes what child processes reported."""
        watcher = self._watcher
        made: set[str] = set()
        for kind, path, seen in reports.read(self._mark):
            if kind == "made":
                made.add(path)
            else:
                getattr(watcher, f"{kind}s").setdefault(path, seen)
        if not made:
            return
        watcher.made |= made
        # A file that was read after a child had made it: it changed since the step began, as nothing else did.
        for path, state in list(watcher.files.items()):
            if state and state[-1] >= self._began_ns - _CLOCK_NS and watcher.has_made(path):
                del watcher.files[path]

    def _counts(self, path: str) -> bool:
        if witness.is_of_system(path) or (path + os.sep).startswith(self._store):
            return False
        return not any(path == each or path.startswith(each + os.sep) for each in self._declared)

    def _file(self, path: str, state: witness.State | None) -> Observation:
        return Observation("file", relative(path, self._root), self._token(path, state, file_token(path, self._memo)))

    def _module(self, path: str, state: witness.State | None) -> Observation:
        return Observation("module", relative(path, self._root), self._token(path, state, module_token(path)))

    def _token(self, path: str, state: witness.State | None, token: str) -> str:
        return token if witness.look(path) == (tuple(state) if state else None) else CHANGED

    def _folder(self, path: str, names: tuple[str, ...] | None) -> Observation:
        made = {os.path.basename(each) for each in self._watcher.made if os.path.dirname(each) == path}
        return Observation("folder", relative(path, self._root), _names_token(names, made))


def recall(paths: Collection[str], memo: FileMemo | None) -> None:
    """Ask a memo for many files at once, before each is looked at: it may be a database that is far away."""
    if memo is not None and len(paths) > 1:
        memo.get_many([state for path in paths if (state := witness.look(path)) is not None])


def recall_observed(observations: Collection[Observation], root: str, memo: FileMemo | None) -> None:
    """Ask a memo at once for all the files that an execution was seen to read."""
    recall([os.path.normpath(os.path.join(root, each.subject)) for each in observations if each.kind == "file"], memo)


def file_token(path: str, memo: FileMemo | None) -> str:
    """Give the digest of a file's bytes, or why there is none."""
    if not os.path.lexists(path):
        return ABSENT
    try:
        return digest_file(path, memo)
    except (OSError, IdentityError):
        return UNREADABLE


def module_token(path: str) -> str:
    """Give the digest of a module's code, which comments and docstrings do not change."""
    source = read_source(path)
    if source is None:
        return ABSENT
    try:
        return digest_code(compile(source, path, "exec", dont_inherit=True))
    except (SyntaxError, ValueError):
        return digest("source", source)


def still_holds(observation: Observation, root: str, memo: FileMemo | None) -> bool:
    """Whether what was seen then would be seen now."""
    if observation.token in (CHANGED, UNREADABLE):
        return False
    if observation.kind == "source":
        return bool(witness.quietly(lambda: catalogue.token_now(observation.subject, root)) == observation.token)
    path = os.path.normpath(os.path.join(root, observation.subject))
    return bool(witness.quietly(lambda: _token_now(observation.kind, path, memo)) == observation.token)


def _token_now(kind: str, path: str, memo: FileMemo | None) -> str:
    if kind == "file":
        return file_token(path, memo)
    if kind == "module":
        return module_token(path)
    return _names_token(witness.list_names(path), frozenset())


def describe(observation: Observation) -> str:
    """Say in words what does not hold any more."""
    if observation.token == CHANGED:
        return f"{observation.kind} {observation.subject} changed while the step ran"
    if observation.token == ABSENT:
        return f"{observation.kind} {observation.subject} is there now"
    if observation.kind == "source" and observation.token.startswith("unversioned"):
        return f"source {observation.subject} has no version that could be compared"
    return f"{observation.kind} {observation.subject} changed"


def _names_token(names: tuple[str, ...] | None, without: Collection[str]) -> str:
    if names is None:
        return ABSENT
    return digest("names", *(os.fsencode(name) for name in names if name not in without))
