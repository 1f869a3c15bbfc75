"""The entry point that the engine's tests give to workers: a step is named by `ticket.spec.name`."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from typing import Any

from solvent.model import WHOLE, ArtifactRef, Execution, Failure, Identity, Ticket

LOADED = {"value": "as imported"}


def execute(ticket: Ticket) -> Execution:
    if ticket.log_path:
        sys.stdout.flush()
        fd = os.open(ticket.log_path, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        os.dup2(fd, 1)
        os.dup2(fd, 2)
        os.close(fd)
    value = globals()[ticket.spec.name](**pickle.loads(ticket.arguments))
    data = repr(value).encode()
    artifact = ArtifactRef(Identity("d", "builtins:str"), "text", len(data), inline=data)
    log_bytes = os.path.getsize(ticket.log_path) if ticket.log_path else 0
    return Execution({WHOLE: artifact}, time.time(), 0.0, 0.0, 0, "step", log_bytes=log_bytes)


def echo(value: Any) -> Any:
    return value


def length(value: bytes) -> int:
    return len(value)


def grow(count: int) -> bytes:
    return b"x" * count


def pid() -> int:
    return os.getpid()


def crash(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(60)


def segfault() -> None:
    import ctypes

    ctypes.string_at(0)


def leave(code: int) -> None:
    os._exit(code)


def fail(text: str) -> None:
    raise ValueError(text)


def leave_politely() -> None:
    sys.exit(3)


def sleep(seconds: float) -> str:
    time.sleep(seconds)
    return "slept"


def meet(mine: str, other: str) -> str:
    """Say that we are here and wait for the other."""
    with open(mine, "w"):
        pass
    while not os.path.exists(other):
        time.sleep(0.001)
    return "met"


def family(path: str) -> None:
    """Start a child, a grandchild in a session of its own and a daemon whose parent has left; write their ids; wait."""
    child = subprocess.Popen(["sleep", "600"])
    below, report = os.pipe()
    for parent_stays in (True, False):
        if not os.fork():
            os.setsid()
            if not os.fork():
                os.setsid()
                os.write(report, f"{os.getpid()} ".encode())
                os.execvp("sleep", ["sleep", "600"])
            os.write(report, f"{os.getpid()} ".encode())
            if parent_stays:
                time.sleep(600)
            os._exit(0)
    text = b""
    while text.count(b" ") < 4:
        text += os.read(below, 100)
    with open(path + ".new", "w") as file:
        file.write(f"{os.getpid()} {child.pid} {text.decode()}")
    os.rename(path + ".new", path)
    time.sleep(600)


def abandon(path: str) -> str:
    """Start a process in the background and come back without it."""
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    with open(path, "w") as file:
        file.write(str(child.pid))
    return "left"


def speak(texts: list[str], fifo: str) -> str:
    """Print each text with no newline added, then wait until the test opens the fifo."""
    for text in texts:
        os.write(1, text.encode())
    with open(fifo) as file:
        file.read()
    os.write(1, b"goodbye\n")
    return "spoken"


def descriptors() -> list[str]:
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{name}"))
        except OSError:
            continue
    return found


def signals() -> tuple[bool, bool, int, int]:
    return (
        signal.getsignal(signal.SIGINT) is signal.default_int_handler,
        signal.getsignal(signal.SIGTERM) == signal.SIG_DFL,
        os.getsid(0),
        os.getpid(),
    )


def loaded() -> str:
    return LOADED["value"]


def unpicklable() -> None:
    raise Failing()


class Failing(Exception):
    def __reduce__(self) -> Any:
        raise TypeError("no")


def failure(text: str) -> Failure:
    return Failure("X", text, "")


def interrupt() -> None:
    raise KeyboardInterrupt


def modules() -> list[str]:
    return [name for name in sys.modules if name.split(".")[0] in ("multiprocessing", "subprocess", "asyncio")]
