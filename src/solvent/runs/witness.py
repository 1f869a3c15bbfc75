"""What a process is seen to read: a hook on Python's audit events, and the notes of whoever watches.

It stands on the standard library alone, so that a child process of a step can take it along at little cost.
"""

from __future__ import annotations

import os
import sys
from _thread import get_ident
from collections.abc import Callable
from typing import Any

State = tuple[str, int, int, int, int, int]

watchers: list[Watcher] = []
"""Who watches now; while it is empty an event costs one look at it."""

_busy: set[int] = set()
_installed = False
_LISTED_LAZILY = frozenset({"subprocess", "multiprocessing", "_posixsubprocess"})


class Watcher:
    """Notes of one execution: files and modules by their state when first opened, folders by their names.

    `owner` is the thread that executes; events of a thread that owns no watcher count for all of them.
    """

    def __init__(self, ignored_threads: frozenset[int] | set[int] = frozenset()) -> None:
        self.owner = get_ident()
        self.ignored_threads = ignored_threads
        self.files: dict[str, State | None] = {}
        self.modules: dict[str, State | None] = {}
        self.folders: dict[str, tuple[str, ...] | None] = {}
        self.made: set[str] = set()

    def saw_file(self, path: str) -> None:
        if path not in self.files and not self.has_made(path):
            self.files[path] = look(path)

    def saw_module(self, path: str) -> None:
        if path not in self.modules:
            self.modules[path] = look(path)

    def saw_folder(self, path: str) -> None:
        if path not in self.folders and not self.has_made(path):
            self.folders[path] = list_names(path)

    def makes(self, path: str) -> None:
        self.made.add(path)

    def has_made(self, path: str) -> bool:
        """Whether the step itself made a file, or a folder that it is in."""
        if not self.made:
            return False
        while path not in self.made:
            parent = os.path.dirname(path)
            if parent == path:
                return False
            path = parent
        return True


class Reporter(Watcher):
    """Notes of a child process, written line by line to a file that the step's own process reads."""

    def __init__(self, report: str) -> None:
        super().__init__()
        self._report = os.open(report, os.O_WRONLY | os.O_APPEND)

    def saw_file(self, path: str) -> None:
        if path not in self.files and not self.has_made(path):
            self.files[path] = look(path)
            self._tell("file", path, self.files[path])

    def saw_module(self, path: str) -> None:
        if path not in self.modules:
            self.modules[path] = look(path)
            self._tell("module", path, self.modules[path])

    def saw_folder(self, path: str) -> None:
        if path not in self.folders and not self.has_made(path):
            self.folders[path] = list_names(path)
            self._tell("folder", path, self.folders[path])

    def makes(self, path: str) -> None:
        if path not in self.made:
            self.made.add(path)
            self._tell("made", path, None)

    def _tell(self, kind: str, path: str, seen: tuple[Any, ...] | None) -> None:
        # One write to the end of a file, so that the lines of several children don't mix.
        os.write(self._report, (ascii((kind, path, seen)) + "\n").encode())


def look(path: str) -> State | None:
    """Return the state of a file, or None if there is none."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return path, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def list_names(path: str) -> tuple[str, ...] | None:
    """Return the names in a folder, sorted, or None if there is none."""
    try:
        return tuple(sorted(os.listdir(path)))
    except OSError:
        return None


def watch(watcher: Watcher) -> None:
    """Let a watcher take notes from now on."""
    global _installed
    if not _installed:
        _installed = True
        sys.addaudithook(_hook)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_in_child)
    watchers.append(watcher)


def stop(watcher: Watcher) -> None:
    """Let a watcher take no more notes."""
    if watcher in watchers:
        watchers.remove(watcher)


def quietly(work: Callable[[], Any]) -> Any:
    """Do something in this thread that nobody takes notes of."""
    thread = get_ident()
    was_busy = thread in _busy
    _busy.add(thread)
    try:
        return work()
    finally:
        if not was_busy:
            _busy.discard(thread)


def is_quiet() -> bool:
    """Whether nobody takes notes of this thread at the moment."""
    return get_ident() in _busy


def watching() -> list[Watcher]:
    """Return the watchers that take notes of this thread."""
    thread = get_ident()
    owners = [watcher for watcher in watchers if watcher.owner == thread]
    return [watcher for watcher in owners or watchers if thread not in watcher.ignored_threads]


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if not watchers:
        return
    handle = _EVENTS.get(event)
    if handle is None:
        return
    thread = get_ident()
    if thread in _busy:
        return
    _busy.add(thread)
    try:
        handle(*args)
    except Exception:  # whatever is wrong with a path is for the step to find out
        pass
    finally:
        _busy.discard(thread)


def _on_open(name: Any, mode: str | None, flags: int) -> None:
    if type(name) is int:
        return
    path = full_path(name)
    if is_of_system(path):
        return
    frame = sys._getframe(2).f_code.co_filename
    if frame.startswith(_IMPORTERS) or frame.endswith(f"{os.sep}runpy.py"):
        _note_module(path)
    elif frame.endswith("linecache.py") or (frame.endswith("tokenize.py") and path.endswith(".py")):
        return  # a line of source for a traceback or a warning
    else:
        _note_open(path, mode, flags)


_IMPORTERS = ("<frozen importlib", "<frozen runpy", "<frozen zipimport")


def _note_module(path: str) -> None:
    folder, name = os.path.split(path)
    if os.path.basename(folder) == "__pycache__":
        path = os.path.join(os.path.dirname(folder), name.partition(".")[0] + ".py")
    for watcher in watching() if path.endswith((".py", ".zip")) else ():
        if path.endswith(".py"):
            watcher.saw_module(path)
        else:
            watcher.saw_file(path)


def _note_open(path: str, mode: str | None, flags: int) -> None:
    reads, writes = _intent(path, mode, flags)
    for watcher in watching():
        if reads:
            watcher.saw_file(path)
        elif writes:
            watcher.makes(path)


def _intent(path: str, mode: str | None, flags: int) -> tuple[bool, bool]:
    """Return whether opening reads what is there, and whether it replaces or makes it."""
    if os.path.isdir(path):
        return False, False
    if mode is not None:
        return mode[0] == "r", mode[0] in "wx" or not os.path.exists(path)
    access = flags & (os.O_RDONLY | os.O_WRONLY | os.O_RDWR)
    fresh = bool(flags & (os.O_TRUNC | os.O_EXCL)) or bool(flags & os.O_CREAT and not os.path.exists(path))
    return access != os.O_WRONLY and not fresh, fresh


def _on_list(path: Any = None) -> None:
    if type(path) is int or _is_import_machinery(sys._getframe(2).f_code.co_filename):
        return
    folder = full_path("." if path is None else path)
    if not is_of_system(folder):
        for watcher in watching():
            watcher.saw_folder(folder)


def _is_import_machinery(file: str) -> bool:
    """Whether a folder is listed to find modules or distributions: what comes of that is seen as imports."""
    return file.startswith(("<frozen importlib", _IMPORTLIB)) or file.endswith(f"{os.sep}pkgutil.py")


_IMPORTLIB = os.path.join(os.path.dirname(os.path.abspath(os.__file__)), "importlib", "")


def _on_mkdir(path: Any, mode: int, dir_fd: int) -> None:
    made = full_path(path)
    if dir_fd == -1 and not os.path.exists(made):
        for watcher in watching():
            watcher.makes(made)


def _on_rename(source: Any, target: Any, *folders: int) -> None:
    old, new = full_path(source), full_path(target)
    for watcher in watching():
        if watcher.has_made(old):
            watcher.makes(new)


def _on_database(name: Any) -> None:
    text = os.fsdecode(name)
    if text.startswith("file:"):
        text = text[5:].partition("?")[0]
        text = text[2:] if text.startswith("///") else text
    if text and not text.startswith(":memory:"):
        path = full_path(text)
        # What was committed last may stand in the file beside it.
        for watcher in watching() if not is_of_system(path) else ():
            if os.path.exists(path):
                watcher.saw_file(path)
                if os.path.exists(path + "-wal"):
                    watcher.saw_file(path + "-wal")
            else:
                watcher.makes(path)


def _on_import(module: str, *rest: Any) -> None:
    if module in _LISTED_LAZILY:
        prepare_children()


def _on_child(*args: Any) -> None:
    prepare_children()
    for word in _words(args[1] if len(args) > 2 else args[:1]):
        path = full_path(word)
        # A program in another language reports nothing, but mostly it is told on its command line what to read.
        if os.path.isfile(path) and not is_of_system(path):
            for watcher in watching():
                watcher.saw_file(path)


def _words(given: Any) -> list[str]:
    if isinstance(given, bytes | str):
        return os.fsdecode(given).split()
    return [os.fsdecode(each) for each in given if isinstance(each, bytes | str | os.PathLike)]


def _on_fork() -> None:
    prepare_children()


def prepare_children() -> None:
    """Let child processes report from now on; replaced by the observer, for which they do."""


_EVENTS: dict[str, Callable[..., None]] = {
    "open": _on_open,
    "os.listdir": _on_list,
    "os.scandir": _on_list,
    "os.mkdir": _on_mkdir,
    "os.rename": _on_rename,
    "os.link": _on_rename,
    "os.symlink": _on_rename,
    "sqlite3.connect": _on_database,
    "import": _on_import,
    "os.fork": _on_fork,
    "os.forkpty": _on_fork,
    "os.posix_spawn": _on_child,
    "os.system": _on_child,
    "subprocess.Popen": _on_child,
}


def full_path(name: Any) -> str:
    """Return the absolute path that a name stands for now."""
    return os.path.abspath(os.fsdecode(name))


_OF_MACHINE = (
    "/proc", "/sys", "/dev", "/etc/localtime", "/usr/share/zoneinfo",
    "/usr/share/fonts", "/usr/local/share/fonts", "/usr/X11", "/usr/X11R6", "/usr/lib/openoffice/share/fonts",
)  # fmt: skip
# Matplotlib lists every font of the machine once, and remembers the list.
_FONT_FOLDERS = (".fonts", ".local/share/fonts", ".cache/fontconfig", ".cache/matplotlib", ".config/matplotlib")


def _folders_of_system() -> tuple[str, ...]:
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    library = os.path.dirname(os.path.abspath(os.__file__))
    archive = f"{os.path.dirname(library)}{os.sep}python{sys.version_info[0]}{sys.version_info[1]}.zip"
    python = {sys.executable, os.path.realpath(sys.executable)} if sys.executable else set()
    home = os.path.expanduser("~")
    fonts = {os.path.join(home, each) for each in _FONT_FOLDERS} | {os.environ.get("MPLCONFIGDIR", "/dev")}
    folders = {own, library, os.path.realpath(library), archive, *python, *_OF_MACHINE, *fonts}
    return tuple(folder + os.sep for folder in sorted(folders))


_SYSTEM = _folders_of_system()
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}", f"{os.sep}__pycache__{os.sep}")


def is_of_system(path: str) -> bool:
    """Whether a path belongs to the interpreter, to installed packages, to the kernel or to Solvent itself."""
    return (path + os.sep).startswith(_SYSTEM) or any(part in path for part in _INSTALLED)


def _in_child() -> None:
    """In a forked child: what it reads is written where its parent looks for it."""
    report = os.environ.get(REPORT_VARIABLE)
    parents = list(watchers)
    watchers.clear()
    if report and parents:
        watchers.append(Reporter(report))


REPORT_VARIABLE = "SOLVENT_WITNESS"
