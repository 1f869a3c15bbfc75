"""The user's part of a traceback: what a person needs to see, and none of ours."""

from __future__ import annotations

import os
from types import TracebackType

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep

_IMPORTLIB = os.path.join(os.path.dirname(os.path.abspath(os.__file__)), "importlib", "")


def user_traceback(error: BaseException) -> str:
    """Format `error` and its causes without the frames of this package."""
    import traceback

    _strip(error, set())
    return "".join(traceback.format_exception(error))


def _strip(error: BaseException, seen: set[int]) -> None:
    if id(error) in seen:
        return
    seen.add(id(error))
    error.__traceback__ = _without_ours(error.__traceback__)
    for other in (error.__cause__, error.__context__):
        if other is not None:
            _strip(other, seen)


def _without_ours(frames: TracebackType | None) -> TracebackType | None:
    kept = []
    while frames is not None:
        name = frames.tb_frame.f_code.co_filename
        if not name.startswith((_OURS, _IMPORTLIB, "<frozen")):
            kept.append(frames)
        frames = frames.tb_next
    head = None
    for frame in reversed(kept):
        head = TracebackType(head, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return head
