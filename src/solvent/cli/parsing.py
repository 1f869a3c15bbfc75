"""Words of the command line that do not parse, told as our own errors are."""

from __future__ import annotations

import re
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from typing import NoReturn

from solvent.errors import SolventError, nearest


class Parser(ArgumentParser):
    """A parser whose complaints are short and say what to do; exit code 2."""

    def error(self, message: str) -> NoReturn:
        raise SolventError(self._in_words(message), hint=f"`{self.prog} --help` shows what it takes")

    def _in_words(self, message: str) -> str:
        missing = re.fullmatch(r"the following arguments are required: (.*)", message)
        if missing:
            return f"`{self.prog}` needs {missing[1]}"
        unknown = re.fullmatch(r"unrecognized arguments: (\S+).*", message, re.DOTALL)
        if unknown:
            return self._unknown(unknown[1])
        told = re.fullmatch(r"argument ([^:]+): (.*)", message, re.DOTALL)
        if told is None:
            return message
        name = told[1].partition("/")[0]
        return f"{name} needs a value" if told[2] == "expected one argument" else f"{name}: {told[2]}"

    def _unknown(self, word: str) -> str:
        if not word.startswith("-"):
            return f"`{self.prog}` has no use for {word!r}"
        known = [name for action in self._actions if action.help != SUPPRESS for name in action.option_strings]
        return f"`{self.prog}` has no {word.partition('=')[0]}{nearest(word.partition('=')[0], known)}"


_MOST = 2**63 - 1
"""What the databases hold, and what Python counts with; more is a slip of the finger."""


def whole_number(least: int | None = None) -> Callable[[str], int]:
    """Make the reader of an option that takes a whole number."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise ArgumentTypeError(f"expected a whole number, found {text!r}") from None
        if least is not None and number < least:
            raise ArgumentTypeError(f"expected at least {least}, found {number}")
        if abs(number) > _MOST:
            raise ArgumentTypeError(f"expected at most {_MOST}")
        return number

    return read


def one_of(*words: str) -> Callable[[str], str]:
    """Make the reader of an option that takes one of a few words."""

    def read(text: str) -> str:
        if text not in words:
            raise ArgumentTypeError(f"found {text!r}{nearest(text, words) or '; expected ' + ', '.join(words)}")
        return text

    return read


_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}


def duration(text: str) -> float:
    """Read a duration such as 30d, 12h or 90m as seconds."""
    number, unit = text[:-1], text[-1:]
    try:
        seconds = float(number) * _UNITS[unit]
    except (ValueError, KeyError):
        raise ArgumentTypeError(f"expected a duration such as 30d, 12h or 90m, found {text!r}") from None
    if not 0 <= seconds < 1e12:
        raise ArgumentTypeError(f"expected a duration from 0s to 10000000d, found {text!r}")
    return seconds
