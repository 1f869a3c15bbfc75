"""What an endpoint serves, followed: its aliases are watched, and a control file tells the workers of every move."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from solvent.deploy.registry import CHAMPION, find_model, materialise
from solvent.errors import ConfigError, SolventError, nearest
from solvent.serving.control import HEADER, Control, Place
from solvent.serving.folder import MANIFEST, open_bundle
from solvent.serving.launch import ControlFile

if TYPE_CHECKING:
    from solvent.runs.stores import Stores

Tell = Callable[[Mapping[str, Any]], None]
OpenStores = Callable[[], "Stores"]

LOOK_SECONDS = 1.0
"""How often the aliases are looked at; with what the workers need a move takes effect within two seconds."""
AWAY_SECONDS = 10.0
"""How long to wait at most before a store that is away is asked again."""


class Wanted(NamedTuple):
    """One model that is asked for: a reference such as delays@champion or a bundle's folder, and its percent of the keys."""

    reference: str
    percent: float = 0.0


class Plan(NamedTuple):
    """What is to be served: `live` answer, the first of them what the others leave; `shadow` is asked beside them."""

    live: tuple[Wanted, ...]
    shadow: Wanted | None = None
    key: str = ""

    @property
    def needs_stores(self) -> bool:
        """Whether one of them is a name of the registry."""
        every = self.live if self.shadow is None else (*self.live, self.shadow)
        return not all(is_bundle(each.reference) for each in every)


def make_plan(reference: str, splits: Sequence[str], key: str = "", shadow: str = "") -> Plan:
    """Read what the command line says: `splits` are NAME=PERCENT, names are aliases or versions of the same endpoint."""
    endpoint = reference.partition("@")[0]
    live = [Wanted(reference)]
    for text in splits:
        name, equals, percent = text.partition("=")
        if not (equals and name and _is_percent(percent)):
            raise ConfigError(f"--split {text}: expected NAME=PERCENT, as in challenger=5")
        live.append(Wanted(_whole(name, endpoint), float(percent)))
    if sum(each.percent for each in live) > 100:
        raise ConfigError("the shares of --split are more than 100 percent together")
    if key and len(live) == 1:
        raise ConfigError("--key says what requests are split by, and there is no --split", hint="add --split NAME=5")
    return Plan(tuple(live), Wanted(_whole(shadow, endpoint)) if shadow else None, key)


def is_bundle(reference: str) -> bool:
    """Whether a reference is the folder of a bundle, and not a name of the registry."""
    return os.path.isfile(os.path.join(reference, MANIFEST))


def check_key(control: Control) -> None:
    """Refuse a key that requests don't have; ConfigError with the nearest column."""
    key = control.key
    if not key or (key.startswith(HEADER) and key != HEADER):
        return
    names = [each.name for each in open_bundle(control.live[0].folder).manifest.request.columns]
    if key not in names:
        raise ConfigError(
            f"requests have no column {key!r}{nearest(key, names)}",
            hint=f"--key {HEADER}NAME splits by a header, which clients send beside the columns",
        )


class Rollout:
    """Keeps a control file as the aliases say. A model that a worker refuses gives way to the one that was before it.

    `start` resolves and writes; `watch` then runs in a thread of its own until `stop`. `hear` takes the workers' events.
    """

    def __init__(self, plan: Plan, file: ControlFile, open_stores: OpenStores | None, tell: Tell) -> None:
        self._plan = plan
        self._file = file
        self._open_stores = open_stores
        self._tell = tell
        self._good: dict[str, Place] = {}
        self._refused: dict[str, Place] = {}
        self._folders: dict[str, str] = {}
        self._called = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._watch, name="rollout", daemon=True)

    def start(self) -> Control:
        """Write what is to be served first; SolventError if that is not to be had."""
        control = self._first()
        check_key(control)
        self._file.write(control)
        return control

    def watch(self) -> None:
        """Follow the aliases from now on."""
        if self._open_stores is not None:
            self._thread.start()

    def stop(self) -> None:
        """End the watching."""
        self._stopping = True
        self._called.set()
        if self._thread.is_alive():
            self._thread.join(AWAY_SECONDS)

    def hear(self, event: Mapping[str, Any]) -> None:
        """Take what the workers tell: which models they serve, and which they refuse."""
        control = self._file.control
        if control is None:
            return
        if event["event"] in ("ready", "serving"):
            served = {(each["name"], each["digest"], each["version"]) for each in event["models"]}
            for place in control.live:
                if (place.name, place.digest, place.version) in served:
                    self._good[place.name] = place
        elif event["event"] == "refused":
            for place in control.places:
                if (place.name, place.version) == (event["name"], event["version"]):
                    self._refused[place.name] = place
            self._called.set()

    def _first(self) -> Control:
        if self._open_stores is None:
            return self._resolve(None)
        stores = self._open_stores()
        try:
            return self._resolve(stores)
        finally:
            stores.close()

    def _resolve(self, stores: Stores | None) -> Control:
        """Find the versions that are meant now; NotFoundError or BundleError if one is not to be had."""
        plan = self._plan
        live = tuple(self._place(each, stores) for each in plan.live)
        return Control(live, plan.shadow and self._place(plan.shadow, stores), plan.key)

    def _place(self, wanted: Wanted, stores: Stores | None) -> Place:
        reference = wanted.reference
        if stores is None or is_bundle(reference):
            bundle = open_bundle(reference)
            return Place(bundle.manifest.endpoint, os.path.abspath(reference), bundle.digest, "", wanted.percent)
        version = find_model(reference, stores)
        digest = version.row.bundle
        # Every file of a bundle is read when it is opened: once is enough.
        if not os.path.isdir(self._folders.get(digest, "")):
            self._folders[digest] = materialise(version, stores)
        name = reference.partition("@")[2] or CHAMPION
        return Place(name, self._folders[digest], digest, str(version.number), wanted.percent)

    def _watch(self) -> None:
        stores, wait_seconds, away = None, LOOK_SECONDS, ""
        while not self._stopping:
            self._called.wait(wait_seconds)
            self._called.clear()
            try:
                stores = stores or (self._open_stores() if self._open_stores else None)
                self._look(stores)
                wait_seconds = LOOK_SECONDS
                if away:
                    self._tell({"event": "back", "text": "solvent: the store is back"})
                away = ""
            except Exception as error:
                # Whatever is wrong with the store, those who are served don't notice.
                reason = error.problem if isinstance(error, SolventError) else f"{type(error).__name__}: {error}"
                if reason != away:
                    self._tell({"event": "away", "text": f"solvent: what is served stays as it is: {reason}"})
                _close(stores)
                away, stores = reason, None
                wait_seconds = min(AWAY_SECONDS, wait_seconds * 2)
        _close(stores)

    def _look(self, stores: Stores | None) -> None:
        wanted = self._resolve(stores)
        live = tuple(self._allowed(each) for each in wanted.live)
        shadow = None if wanted.shadow is None else self._allowed(wanted.shadow)
        former = self._file.control
        control = replace(wanted, live=live, shadow=shadow)
        if former is None or control != former.settled():
            self._file.write(replace(control, former=tuple(self._good.values())))

    def _allowed(self, place: Place) -> Place:
        """Give the place, or the one that was before it where the workers refused it."""
        refused = self._refused.get(place.name)
        if refused is None:
            return place
        if (refused.digest, refused.version) != (place.digest, place.version):
            del self._refused[place.name]
            return place
        good = self._good.get(place.name)
        return place if good is None else replace(good, percent=place.percent)


def _close(stores: Stores | None) -> None:
    """Close stores that are of no use any more, whatever state they are in."""
    if stores is not None:
        try:
            stores.close()
        except (SolventError, OSError):
            return


def _whole(name: str, endpoint: str) -> str:
    """Let an alias or a number mean one of the endpoint's."""
    return name if "@" in name or is_bundle(name) else f"{endpoint}@{name}"


def _is_percent(text: str) -> bool:
    try:
        return 0 < float(text) <= 100
    except ValueError:
        return False
