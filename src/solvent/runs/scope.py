"""What a running step may ask for and leave behind: its seed, metrics, texts and figures."""

from __future__ import annotations

import time
from typing import Any

from solvent.artifacts.saving import save
from solvent.config.masking import masked
from solvent.errors import FormatError
from solvent.fingerprint.values import identify
from solvent.model import Attachment, Blobs, Metric, Observation


class StepScope:
    """Collects, for one execution, what the step logs; a figure or text is written when it is logged."""

    def __init__(self, seed: int, blobs: Blobs) -> None:
        self._seed = seed
        self._blobs = blobs
        self.seed_used = False
        self.metrics: list[Metric] = []
        self.attachments: list[Attachment] = []
        self.observed: dict[tuple[str, str], Observation] = {}

    def seed(self) -> int:
        self.seed_used = True
        return self._seed

    def log_metric(
        self, name: str, value: float, step: int | None, interval: tuple[float, float] | None = None
    ) -> None:
        try:
            number = float(value)
            low, high = (None, None) if interval is None else map(float, interval)
        except (TypeError, ValueError):
            raise FormatError(
                f"metric `{name}` must be a number, not {type(value).__name__}",
                hint="log text with log.text(name, text) and figures with log.figure(name, figure)",
            ) from None
        self.metrics.append(Metric(masked(name), number, step, time.time(), low, high))

    def observe(self, kind: str, subject: str, token: str) -> None:
        self.observed[kind, subject] = Observation(kind, subject, token)

    def log_text(self, name: str, text: str) -> None:
        self._attach("text", name, masked(str(text)))

    def log_figure(self, name: str, figure: Any) -> None:
        self._attach("figure", name, figure)

    def _attach(self, kind: str, name: str, value: Any) -> None:
        name = masked(name)
        self.attachments.append(
            Attachment(kind, name, save(value, identify(value, path=f"{kind} `{name}`"), self._blobs))
        )
