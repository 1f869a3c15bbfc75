"""Runs a command and stops it at the n-th system call that changes files in a folder: to kill it, or to fail the call.

    python -I -S tracer.py --folder FOLDER --report FILE [--at N --do kill|end|skip|ERRNO [--on]] -- COMMAND ...

Calls are counted over all processes and threads of the command, in the order in which they are made (strace counts for
each thread by itself, so that it can't name "the n-th"). A call at which the command is killed is not carried out: with
"killed before call 7" for every 7, every state that a kill can leave is met. `kill` ends the process that calls, `end`
everything. An errno, for example ENOSPC, is what call N gives instead of being carried out, and `skip` makes it succeed
without doing anything; with `--on` every later call of that name too, or of all `--names` if some are given. FILE gets,
as JSON, the calls seen and what became of the command.
"""

from __future__ import annotations

import argparse
import ctypes
import errno
import json
import os
import re
import signal
import struct
import sys
import time

TRACEME, PEEK_INFO, POKEUSER, CONT, SETOPTIONS = 0, 0x420E, 6, 7, 0x4200
# TRACEFORK | TRACEVFORK | TRACECLONE | TRACEEXEC | TRACESECCOMP | EXITKILL
OPTIONS = 0x02 | 0x04 | 0x08 | 0x10 | 0x80 | 0x100000
EVENT_SECCOMP = 7
WALL = 0x40000000
ORIG_RAX, RAX = 15 * 8, 10 * 8
NO_NEW_PRIVILEGES, SET_SECCOMP, SUBREAPER = 38, 22, 36
OPENED_TO_CHANGE = os.O_CREAT | os.O_WRONLY | os.O_RDWR | os.O_TRUNC

# name: (number on x86-64, where its files are named: "fd" in argument 0, "path" or "at" from an argument on)
CHANGES = {
    "write": (1, ["fd"]),
    "pwrite64": (18, ["fd"]),
    "writev": (20, ["fd"]),
    "pwritev": (296, ["fd"]),
    "fsync": (74, ["fd"]),
    "fdatasync": (75, ["fd"]),
    "ftruncate": (77, ["fd"]),
    "fallocate": (285, ["fd"]),
    "fchmod": (91, ["fd"]),
    "truncate": (76, ["path 0"]),
    "rename": (82, ["path 0", "path 1"]),
    "renameat": (264, ["at 0", "at 2"]),
    "renameat2": (316, ["at 0", "at 2"]),
    "link": (86, ["path 0", "path 1"]),
    "linkat": (265, ["at 0", "at 2"]),
    "symlink": (88, ["path 1"]),
    "symlinkat": (266, ["at 1"]),
    "unlink": (87, ["path 0"]),
    "unlinkat": (263, ["at 0"]),
    "rmdir": (84, ["path 0"]),
    "mkdir": (83, ["path 0"]),
    "mkdirat": (258, ["at 0"]),
    "chmod": (90, ["path 0"]),
    "fchmodat": (268, ["at 0"]),
    "fchmodat2": (452, ["at 0"]),
    "openat": (257, ["at 0"]),
    "sendfile": (40, ["fd"]),
    "copy_file_range": (326, ["fd 2"]),
    "utimensat": (280, ["at 0"]),
}
BY_NUMBER = {number: (name, places) for name, (number, places) in CHANGES.items()}

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long
libc.prctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong]


def ptrace(request: int, pid: int, address: int | None = None, data: int | None = None) -> int:
    given = libc.ptrace(request, pid, address, data)
    if given < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(given)


def only_changes(every_open: bool) -> bytes:
    """Give a filter program that stops at the calls in question and lets all others pass at full speed."""
    trace, allow = 0x7FF00000, 0x7FFF0000
    load, equal, any_bit, give = 0x20, 0x15, 0x45, 0x06
    program = [(load, 0, 0, 0)]
    for name, (number, _) in CHANGES.items():
        if name == "openat" and not every_open:
            # Argument 2, the flags: it is of no interest to open for reading.
            program += [(equal, 0, 4, number), (load, 0, 0, 32), (any_bit, 0, 1, OPENED_TO_CHANGE)]
            program += [(give, 0, 0, trace), (give, 0, 0, allow)]
        else:
            program += [(equal, 0, 1, number), (give, 0, 0, trace)]
    program.append((give, 0, 0, allow))
    return b"".join(struct.pack("HBBI", *line) for line in program)


def begin(command: list[str], every_open: bool) -> int:
    """Start the command, stopped before its first instruction, and give its process id."""
    pid = os.fork()
    if pid:
        os.waitpid(pid, WALL)
        ptrace(SETOPTIONS, pid, None, OPTIONS)
        return pid
    try:
        ptrace(TRACEME, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        lines = only_changes(every_open)
        kept = ctypes.create_string_buffer(lines, len(lines))
        program = struct.pack("HxxxxxxP", len(lines) // 8, ctypes.addressof(kept))
        if libc.prctl(NO_NEW_PRIVILEGES, 1, None, 0, 0) or libc.prctl(SET_SECCOMP, 2, program, 0, 0):
            raise OSError(ctypes.get_errno(), "no seccomp filters here")
        os.execvp(command[0], command)
    except BaseException as error:
        print(f"tracer: {error}", file=sys.stderr)
        os._exit(127)


class Caller:
    """One stopped thread: what it calls, on which files."""

    def __init__(self, thread: int) -> None:
        self.thread = thread
        buffer = ctypes.create_string_buffer(96)
        ptrace(PEEK_INFO, thread, 96, ctypes.addressof(buffer))
        self.number, *self.arguments = struct.unpack_from("7Q", buffer.raw, 24)
        self.name, places = BY_NUMBER[self.number]
        self.paths = [self._path(place) for place in places]

    def _path(self, place: str) -> str:
        kind, _, position = place.partition(" ")
        at = int(position or 0)
        if kind == "fd":
            return self._open_file(self.arguments[at])
        folder = ""
        if kind == "at":
            folder = self._open_file(self.arguments[at])
            at += 1
        text = self.read(self.arguments[at], 4096).partition(b"\0")[0] if self.arguments[at] else b""
        return os.path.normpath(os.path.join(folder or self._link("cwd"), os.fsdecode(text)))

    def _open_file(self, descriptor: int) -> str:
        number = ctypes.c_int(descriptor).value
        return self._link("cwd") if number == -100 else self._link(f"fd/{number}")

    def _link(self, name: str) -> str:
        try:
            return os.readlink(f"/proc/{self.thread}/{name}")
        except OSError:
            return ""

    def read(self, address: int, size: int) -> bytes:
        """Read the caller's memory, up to the end of what is mapped."""
        memory = os.open(f"/proc/{self.thread}/mem", os.O_RDONLY)
        try:
            return os.pread(memory, size, address)
        except OSError:
            return os.pread(memory, -address % 4096 or 4096, address)
        finally:
            os.close(memory)

    def process(self) -> int:
        with open(f"/proc/{self.thread}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("Tgid"))

    def give(self, error_number: int) -> None:
        """Let the call fail without being carried out."""
        ptrace(POKEUSER, self.thread, ORIG_RAX, ctypes.c_ulong(-1).value)
        ptrace(POKEUSER, self.thread, RAX, ctypes.c_ulong(-error_number).value)

    def flags(self) -> int:
        return self.arguments[2] if self.name == "openat" else 0

    def digests(self) -> list[str]:
        """Find the digests in what is being written to a database's log."""
        if not self.name.startswith("pwrite") or not self.paths[0].endswith("-wal"):
            return []
        data = self.read(self.arguments[1], self.arguments[2])
        return sorted({found.decode() for found in re.findall(rb"(?<![0-9a-f])[0-9a-f]{64}", data)})


class Tracer:
    """Counts the calls that concern `folder`, and does what was asked at one of them."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.folder = os.path.realpath(given.folder)
        self.at: int = given.at
        self.do: str = given.do
        self.on: bool = given.on
        self.names_given = bool(given.names)
        self.names = set(given.names.split(",")) if given.names else set(CHANGES)
        self.calls: list[dict[str, object]] = []
        self.count = 0
        self.struck = ""
        self.met: dict[str, object] | None = None
        self.alive: set[int] = set()

    def concerns(self, path: str) -> bool:
        return path.startswith(self.folder + "/") or path in (self.folder, os.path.dirname(self.folder))

    def follow(self, pid: int, until: float) -> dict[str, object]:
        """Let the command run to its end; give what there is to say of it."""
        self.alive, new, status = {pid}, {pid}, 0
        new.discard(pid)
        ptrace(CONT, pid)
        late = False
        while self.alive:
            try:
                thread, state = os.waitpid(-1, WALL | (os.WNOHANG if late else 0))
            except ChildProcessError:
                break
            if time.monotonic() > until and not late:
                late = True
                self.end_all()
            if thread == 0:
                time.sleep(0.01)
            elif not os.WIFSTOPPED(state):
                self.alive.discard(thread)
                new.discard(thread)
                status = os.waitstatus_to_exitcode(state) if thread == pid else status
            else:
                self.go_on(thread, state, new)
        return {"status": status, "late": late, "met": self.met, "calls": self.calls}

    def go_on(self, thread: int, state: int, new: set[int]) -> None:
        """Answer one stop."""
        event, passed = state >> 16, os.WSTOPSIG(state)
        if thread not in self.alive:
            self.alive.add(thread)
            passed = 0  # a new thread begins with a stop of its own
        elif event:
            passed = 0
        try:
            if event == EVENT_SECCOMP:
                self.look(Caller(thread))
            ptrace(CONT, thread, None, passed)
        except (ProcessLookupError, FileNotFoundError):
            pass  # it was killed meanwhile; its end is reported next

    def look(self, caller: Caller) -> None:
        if caller.name not in self.names or not any(map(self.concerns, caller.paths)):
            return
        self.count += 1
        said: dict[str, object] = {"name": caller.name, "paths": caller.paths, "process": caller.process()}
        if caller.flags():
            said["flags"] = caller.flags()
        if digests := caller.digests():
            said["digests"] = digests
        if not self.at:
            self.calls.append(said)
        if self.count == self.at:
            self.met, self.struck = said, caller.name
            self.strike(caller)
        elif self.on and self.struck and (self.names_given or self.struck == caller.name):
            self.strike(caller)

    def strike(self, caller: Caller) -> None:
        if self.do == "kill":
            os.kill(caller.process(), signal.SIGKILL)
        elif self.do == "end":
            self.end_all()
        else:
            caller.give(0 if self.do == "skip" else getattr(errno, self.do))

    def end_all(self) -> None:
        for thread in self.alive:
            try:
                os.kill(thread, signal.SIGKILL)
            except ProcessLookupError:
                continue


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", required=True)
    parser.add_argument("--report", required=True)
    parser.add_argument("--at", type=int, default=0)
    parser.add_argument("--do", default="kill")
    parser.add_argument("--on", action="store_true")
    parser.add_argument("--names", default="")
    parser.add_argument("--every-open", action="store_true")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("command", nargs="+")
    given = parser.parse_args()
    libc.prctl(SUBREAPER, 1, None, 0, 0)
    tracer = Tracer(given)
    said = tracer.follow(begin(given.command, given.every_open), time.monotonic() + given.seconds)
    with open(given.report, "w") as report:
        json.dump(said, report)


if __name__ == "__main__":
    main()
