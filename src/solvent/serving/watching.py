"""What `/metrics` tells of the models in a server: which answer for what share, what was refused, what the shadow found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from solvent.serving.metrics import Sample
from solvent.serving.traffic import Traffic

Family = tuple[str, str, str, list[Sample]]


class TrafficWatch:
    """Hands what was answered to the shadow, and counts."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic

    def served(self, served: Any) -> None:
        shadow = self._traffic.shadow
        if shadow is not None and served.model is not shadow.model:
            shadow.offer(served.decoded, served.answer)

    def refused(self, refusal: Any) -> None:
        """A request that nobody can read is none for the shadow."""

    def families(self) -> Iterator[Family]:
        traffic = self._traffic
        left = 100.0 - sum(share.percent for share in traffic.shares[1:])
        shares = [
            Sample("solvent_share_percent", {"name": share.name, "version": share.model.version}, percent)
            for share, percent in zip(
                traffic.shares, [left, *(each.percent for each in traffic.shares[1:])], strict=True
            )
        ]
        yield "solvent_share_percent", "gauge", "Percent of the keys that a model answers.", shares
        swaps = [Sample("solvent_swaps_total", {}, traffic.swaps)]
        yield "solvent_swaps_total", "counter", "How often the models were exchanged.", swaps
        refused = [Sample("solvent_refused_model", {"name": name}, 1) for name in sorted(traffic.refused)]
        yield "solvent_refused_model", "gauge", "A model that was to be served and can't be.", refused
        if traffic.shadow is not None:
            yield from _shadow(traffic.shadow)


def _shadow(shadow: Any) -> Iterator[Family]:
    found = shadow.found
    labels = {"name": shadow.name, "version": shadow.model.version}
    for name, kind, about, value in (
        ("compared_total", "counter", "Requests that the shadow answered too.", found.compared),
        ("agreed_total", "counter", "Those that it answered alike.", found.agreed),
        ("dropped_total", "counter", "Requests that it was too busy for.", found.dropped),
        ("failed_total", "counter", "Requests that it could not answer.", found.failed),
        ("seconds_total", "counter", "Time that it took.", found.seconds),
        ("largest_difference", "gauge", "The largest difference of two numbers.", found.largest),
    ):
        yield f"solvent_shadow_{name}", kind, about, [Sample(f"solvent_shadow_{name}", labels, value)]
