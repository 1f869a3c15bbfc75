"""How an endpoint is served: its limits, and where predictions run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from solvent.errors import ConfigError, nearest

INLINE_MS = 1.0
"""A prediction below this runs on the event loop: handing it to a thread costs a good part of it."""
INLINE_BYTES = 64 << 10
"""A larger request is answered in the thread however fast its model is: reading it takes the loop's time too."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The limits of a server.

    `inline` says whether small predictions run on the event loop; None asks the warm-up, which does so below 1 ms.
    `queue_limit` requests wait for the thread at most. `batch_rows` above 1 collects requests of one row, for at most
    `batch_ms`; None does as the verification of the bundle found best. `tracebacks` shows clients where a step failed;
    `access_log` writes a line of JSON for each request.
    `replay` serves with other libraries than a bundle was made with, if the warm-up finds its recorded answers.
    A `log_folder` holds requests and answers: those of `log_share` of the keys, in at most `log_mb`.
    """

    body_limit_bytes: int = 16 << 20
    row_limit: int = 10_000
    body_seconds: float = 30.0
    predict_seconds: float = 30.0
    queue_limit: int = 64
    stop_seconds: float = 15.0
    inline: bool | None = None
    batch_rows: int | None = None
    batch_ms: float | None = None
    access_log: bool = False
    tracebacks: bool = False
    replay: bool = False
    log_folder: str = ""
    log_share: float = 1.0
    log_mb: float = 512.0

    def __post_init__(self) -> None:
        for name, least in LEAST.items():
            found = getattr(self, name)
            if found is not None and not (math.isfinite(found) and found >= least):
                raise ConfigError(f"{name} is {found}", hint=f"give a number from {least} on")


LEAST = {
    "body_limit_bytes": 1,
    "row_limit": 1,
    "body_seconds": 0.001,
    "predict_seconds": 0.001,
    "queue_limit": 1,
    "stop_seconds": 0,
    "batch_rows": 1,
    "batch_ms": 0,
    "log_share": 0,
    "log_mb": 0.0625,
}
"""Less than this serves nobody."""


def with_measured(settings: Settings, measured: Mapping[str, Any]) -> Settings:
    """Take over what the verification of a bundle found, where the settings leave it open.

    `measured` is `settings` of a verification: `thread`, and `batch` with `rows` and `wait_ms`, or None.
    """
    if settings.inline is None and isinstance(measured.get("thread"), bool):
        settings = replace(settings, inline=not measured["thread"])
    batch = measured.get("batch")
    if settings.batch_rows is None and isinstance(batch, Mapping):
        wait_ms = float(batch["wait_ms"]) if settings.batch_ms is None else settings.batch_ms
        settings = replace(settings, batch_rows=int(batch["rows"]), batch_ms=wait_ms)
    return settings


def settings_from(values: Mapping[str, Any]) -> Settings:
    """Make settings of named values; ConfigError names one that is not known."""
    known = {each.name for each in fields(Settings)}
    for name in values:
        if name not in known:
            raise ConfigError(f"no setting {name!r}{nearest(name, known)}")
    return Settings(**values)
