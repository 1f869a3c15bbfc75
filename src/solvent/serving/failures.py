"""What went wrong, as it is told: to the client without what is none of its business, and to the log without its values."""

from __future__ import annotations

import json
import logging
import time
import traceback
from collections.abc import Callable
from typing import Any

from solvent.serving.exchange import Exchange, Refusal
from solvent.serving.model import StepError
from solvent.serving.settings import Settings
from solvent.serving.wire import BadAnswer, BadRequest

ERRORS = logging.getLogger("solvent.serving")


def to_refusal(error: Exception, exchange: Exchange, settings: Settings) -> Refusal:
    """Make of any error what the client is told; what is our own fault goes to the log."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, BadRequest):
        return Refusal(error.status, str(error), error.problems)
    cause = error.__cause__ if isinstance(error, StepError) and error.__cause__ else error
    ERRORS.error("%s", error_line(error, cause, exchange, settings))
    problem: dict[str, Any] = {"type": type(cause).__name__}
    if isinstance(error, StepError):
        problem = {"step": error.step, **problem}
    if settings.tracebacks:
        problem["traceback"] = traceback.format_exception(cause)
    words = f"{error}" if isinstance(error, StepError | BadAnswer) else f"the server failed with {type(error).__name__}"
    return Refusal(500, words, [problem])


def error_line(error: Exception, cause: BaseException, exchange: Exchange, settings: Settings) -> str:
    """Write an error as a line of JSON. Its message, which may hold values of the request, only where that was asked for."""
    tree: dict[str, Any] = {
        "at": _now(),
        "id": exchange.id.decode(),
        "route": exchange.route,
        "error": str(error) if isinstance(error, StepError) else type(error).__name__,
        "type": type(cause).__name__,
        "where": [f"{each.filename}:{each.lineno} {each.name}" for each in traceback.extract_tb(cause.__traceback__)],
    }
    if settings.tracebacks:
        tree["message"] = str(cause)
    return json.dumps(tree, ensure_ascii=False)


def access_line(exchange: Exchange, seconds: float) -> str:
    """Write a request as a line of JSON, without any of its values."""
    tree = {
        "at": _now(),
        "id": exchange.id.decode(),
        "method": exchange.method,
        "route": exchange.route,
        "status": exchange.status,
        "seconds": round(seconds, 6),
    }
    return json.dumps(tree)


def quietly(call: Callable[..., None], *given: Any) -> None:
    """Call one who watches; what it raises goes to the log and fails no request."""
    try:
        call(*given)
    except Exception as error:
        where = [f"{each.filename}:{each.lineno}" for each in traceback.extract_tb(error.__traceback__)]
        ERRORS.error(
            "%s", json.dumps({"at": _now(), "error": f"watching failed: {type(error).__name__}", "where": where})
        )


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
