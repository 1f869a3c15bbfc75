"""The life of a worker process: read a ticket, let the entry point perform it, send back what came of it."""

from __future__ import annotations

import pickle
import signal
from collections.abc import Callable
from typing import Any

from solvent.engines.channel import Channel
from solvent.model import Failure, Ticket

BEGAN = b""
"""What a worker sends when it begins a ticket that has a time limit."""


def resolve(entry: str) -> Callable[[Ticket], Any]:
    """Import what a dotted string such as "package.module:function" names."""
    from importlib import import_module

    module, _, name = entry.partition(":")
    found: Callable[[Ticket], Any] = getattr(import_module(module), name)
    return found


def work(channel: Channel, entry: str) -> None:
    """Perform tickets until the runner closes the channel, or one if that one is isolated."""
    import faulthandler

    faulthandler.enable(2)
    while True:
        try:
            message = channel.receive()
            assert message is not None
            reply, last = perform(message, entry, channel)
            del message
            channel.send(reply)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return
        if last:
            return


def perform(message: bytes | bytearray, entry: str, channel: Channel) -> tuple[bytes, bool]:
    """Perform one ticket; the reply is a pickled (execution, failure), and whether this worker ends with it."""
    last = False
    try:
        ticket: Ticket = pickle.loads(message)
        last = ticket.spec.isolated
        if ticket.spec.timeout_seconds is not None:
            channel.send(BEGAN)
        execution = resolve(entry)(ticket)
        return pickle.dumps((execution, None), protocol=5), last
    except (BrokenPipeError, ConnectionResetError):
        raise
    except BaseException as error:
        return pickle.dumps((None, describe(error)), protocol=5), last


def describe(error: BaseException) -> Failure:
    """Put an error that the entry point let through into a record that travels."""
    try:
        import traceback

        text = "".join(traceback.format_exception(error))
    except OSError:
        text = ""  # where no file can be opened any more, not even a module can be read
    return Failure(kind=type(error).__name__, message=str(error) or type(error).__name__, traceback=text)


def forget_signals() -> None:
    """Give every signal the meaning it has in a fresh Python process."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in signal.valid_signals() - {signal.SIGINT, signal.SIGPIPE, signal.SIGKILL, signal.SIGSTOP}:
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
