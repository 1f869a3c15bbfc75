"""Where in the user's code something happens, as "file:line"."""

from __future__ import annotations

import os
import sys
from types import CodeType, FrameType

OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
LIBRARY = os.path.dirname(os.__file__) + os.sep
INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")


def calling_line() -> str:
    """Give the nearest line outside Solvent; cheap enough for every call of a step."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(OURS):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame else "?"


def user_line() -> str:
    """Give the nearest line of the user's own code, outside Solvent, the standard library and installed packages."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and not _is_users(frame.f_code.co_filename):
        frame = frame.f_back
    return shorten(f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame else calling_line())


def raising_line(error: BaseException) -> str | None:
    """Give the innermost line of the user's own code that an error came through, None if it came through none."""
    found, trace = None, error.__traceback__
    while trace is not None:
        if _is_users(trace.tb_frame.f_code.co_filename):
            found = shorten(f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}")
        trace = trace.tb_next
    return found


def shorten(place: str) -> str:
    """Show a place relative to the working folder when it lies below it."""
    here = os.getcwd() + os.sep
    return place[len(here) :] if place.startswith(here) else place


def line_of(code: CodeType | None) -> str:
    """Give the place where a function is written."""
    return shorten(f"{code.co_filename}:{code.co_firstlineno}") if code else "?"


def _is_users(file: str) -> bool:
    if file.startswith((OURS, "<frozen")):
        return False
    return not file.startswith(LIBRARY) and not any(part in file for part in INSTALLED)
