"""Models exchanged in a running process: loaded and warmed up beside the old ones, then put in their place at once."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Mapping
from typing import Any

from solvent.errors import BundleError, SolventError
from solvent.serving.control import Control, Place, read_control, state_of
from solvent.serving.model import Model
from solvent.serving.shadow import Shadow
from solvent.serving.traffic import Share, Traffic

LOOK_SECONDS = 0.2
"""How often the control file is looked at."""
KEPT_SECONDS = 300.0
"""How long a model that answers nobody any more is kept: going back to it is immediate until then."""

Load = Callable[[Place], Model]
Tell = Callable[[Mapping[str, Any]], None]


class Swap:
    """Keeps the traffic of one process as its control file says; what fails leaves the former model in its place.

    `tell` is given events: `serving` with the models, `refused` with a place and the reason.
    """

    def __init__(self, path: str, traffic: Traffic, load: Load, tell: Tell, kept_seconds: float = KEPT_SECONDS) -> None:
        self._path = path
        self._traffic = traffic
        self._load = load
        self._tell = tell
        self._kept_seconds = kept_seconds
        self._loaded: dict[tuple[str, str], Model] = {}
        self._idle_since: dict[tuple[str, str], float] = {}
        self._seen: Any = None

    def start(self) -> None:
        """Load what is to be served first, or what was before where that can't be; SolventError if nothing can."""
        self._seen = state_of(self._path)
        control = read_control(self._path)
        shares = [self._first(place, control) for place in control.live]
        self._traffic.change(shares, control.key)
        self._shadow(control)
        self._told()

    async def watch(self) -> None:
        """Follow the control file until cancelled; the loading is done by a thread."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            seen = state_of(self._path)
            if seen is not None and seen != self._seen:
                self._seen = seen
                try:
                    await asyncio.to_thread(self.follow, read_control(self._path))
                except SolventError as error:
                    self._tell({"event": "refused", "name": "", "version": "", "error": str(error)})
            if self._idle_since:
                self.drop_idle()

    def follow(self, control: Control) -> None:
        """Load what is not here yet and exchange the models; say what was refused."""
        before = {share.name: share for share in self._traffic.shares}
        shares = []
        for place in control.live:
            model = self._try(place)
            if model is not None:
                shares.append(Share(place.name, model, place.percent))
            elif place.name in before:
                shares.append(before[place.name]._replace(percent=place.percent))
        self._shadow(control)
        # Without its first model the rest would take the share of a model that they are no match for.
        if shares and shares[0].name == control.live[0].name:
            self._traffic.swaps += tuple(shares) != self._traffic.shares
            self._traffic.change(shares, control.key)
        self._told()

    def _first(self, place: Place, control: Control) -> Share:
        try:
            return Share(place.name, self._model(place), place.percent)
        except SolventError as error:
            former = control.former_of(place.name)
            if former is None:
                raise
            self._refuse(place, error)
            return Share(place.name, self._model(former), place.percent)

    def _try(self, place: Place) -> Model | None:
        try:
            return self._model(place)
        except SolventError as error:
            # Those who are served don't notice.
            self._refuse(place, error)
            return None

    def _model(self, place: Place) -> Model:
        known = (place.digest, place.version)
        if known not in self._loaded:
            self._loaded[known] = self._load_safely(place)
        self._idle_since.pop(known, None)
        self._traffic.refused.pop(place.name, None)
        return self._loaded[known]

    def _load_safely(self, place: Place) -> Model:
        """Load a model; BundleError whatever its code does when it is imported."""
        try:
            return self._load(place)
        except SolventError:
            raise
        except (Exception, SystemExit) as error:
            raise BundleError(
                f"the model can't be loaded: {type(error).__name__}: {error}", where=place.folder
            ) from error

    def _refuse(self, place: Place, error: SolventError) -> None:
        reason = str(error)
        self._traffic.refused[place.name] = reason
        self._tell({"event": "refused", "name": place.name, "version": place.version, "error": reason})

    def _shadow(self, control: Control) -> None:
        place, shadow = control.shadow, self._traffic.shadow
        if place is None:
            if shadow is not None:
                self._traffic.shadow = None
                shadow.stop()
            return
        model = self._try(place)
        if model is None or (shadow is not None and shadow.model is model):
            return
        self._traffic.shadow = Shadow(place.name, model)
        if shadow is not None:
            shadow.stop()

    def _told(self) -> None:
        used = [*self._traffic.models, *([self._traffic.shadow.model] if self._traffic.shadow else [])]
        for known, model in self._loaded.items():
            if not any(model is each for each in used):
                self._idle_since.setdefault(known, time.monotonic())
        self._tell({"event": "serving", "models": [_shown(share) for share in self._traffic.shares]})

    def drop_idle(self) -> None:
        """Let go of models that answered nobody for a while, and give their memory back."""
        now = time.monotonic()
        old = [known for known, since in self._idle_since.items() if now - since >= self._kept_seconds]
        for known in old:
            del self._idle_since[known], self._loaded[known]
        if old:
            gc.collect()
            _trim()


def _shown(share: Share) -> dict[str, Any]:
    model = share.model
    return {"name": share.name, "version": model.version, "digest": model.digest, "percent": share.percent}


def _trim() -> None:
    """Give free memory back to the system where the C library keeps it."""
    import ctypes

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
