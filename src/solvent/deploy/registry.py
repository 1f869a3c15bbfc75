"""Model versions as people name them: found, opened as a folder that serves, and pointed at by aliases."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from solvent.config.private import make_folder
from solvent.errors import BundleError, NotFoundError, TrustError, nearest
from solvent.metadata.models import (
    AliasMove,
    ModelRow,
    endpoint_names,
    list_aliases,
    list_moves,
    list_versions,
    move_alias,
    owners_of_endpoint,
)
from solvent.metadata.pins import ARTIFACT, RUN, add_pin, artifact_subject, list_pins, remove_pins
from solvent.metadata.trust import is_trusted
from solvent.runs.facts import user_name
from solvent.serving.folder import ANNOTATIONS, open_bundle
from solvent.serving.verification import Verification
from solvent.serving.verification import read_verification as read_json

if TYPE_CHECKING:
    from solvent.model import ArtifactRef
    from solvent.runs.stores import Stores

CHAMPION = "champion"
"""The alias that a deployment moves, and that an endpoint's bare name stands for."""
LATEST = "latest"
_ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_DIGEST = re.compile(r"[0-9a-f]{4,64}")


class ModelVersion(NamedTuple):
    """A verified bundle under its endpoint's name, and the aliases that point at it now."""

    row: ModelRow
    aliases: tuple[str, ...]

    @property
    def endpoint(self) -> str:
        return self.row.endpoint

    @property
    def number(self) -> int:
        return self.row.number

    @property
    def label(self) -> str:
        return f"{self.row.endpoint}@{self.row.number}"


def find_model(reference: str, stores: Stores) -> ModelVersion:
    """Find the version that a person means: delays@champion, delays@3, delays@latest, delays@ab12cd or delays.

    The bare name is its champion; "shop/delays@3" is that of project shop. NotFoundError with the nearest name.
    """
    name, at, which = reference.strip().partition("@")
    if at and not which:
        raise NotFoundError(f"{reference!r} names no version", hint=f"{name}@3, {name}@{LATEST} or {name}@{CHAMPION}")
    versions = list_models(name, stores)
    which = which or CHAMPION
    found = [each for each in versions if _is_meant(each, which)]
    if which == LATEST:
        found = versions[-1:]
    if len(found) != 1:
        raise _unknown_version(name, which, versions, several=len(found) > 1)
    return found[0]


def list_models(reference: str, stores: Stores) -> list[ModelVersion]:
    """Give the versions of an endpoint of this project, or of "project/endpoint", oldest first; NotFoundError if none."""
    project, slash, endpoint = reference.strip().rpartition("/")
    project = project if slash else stores.project_name
    rows = list_versions(stores.metadata, project, endpoint)
    if not rows:
        raise _unknown_endpoint(endpoint, project, stores)
    aliases = list_aliases(stores.metadata, project, endpoint)
    return [ModelVersion(row, tuple(a for a, number in aliases.items() if number == row.number)) for row in rows]


def has_model(endpoint: str, stores: Stores) -> bool:
    """Whether this project, or the one that is named, has a version of exactly this endpoint."""
    project, slash, name = endpoint.rpartition("/")
    return bool(list_versions(stores.metadata, project if slash else stores.project_name, name))


def _unknown_endpoint(endpoint: str, project: str, stores: Stores) -> NotFoundError:
    names = endpoint_names(stores.metadata, project)
    where = "" if project == stores.project_name else f" by project {project!r}"
    others = [each for each in owners_of_endpoint(stores.metadata, endpoint) if each != project]
    if others:
        return NotFoundError(
            f"no endpoint {endpoint!r} was deployed{where or ' by this project'}",
            hint="others have one: " + ", ".join(f"{each}/{endpoint}" for each in others[:5]),
        )
    known = f"; there are {', '.join(names)}" if names else ""
    return NotFoundError(
        f"no endpoint {endpoint!r} was deployed{where}{nearest(endpoint, names) or known}",
        hint=f"`solvent deploy {endpoint}` makes its first version",
    )


def materialise(version: ModelVersion, stores: Stores) -> str:
    """Give a folder with the bundle of a version, ready to be served; it is made at the first call and then kept.

    BundleError if its bytes are gone, as after a clean-up. TrustError for the model of another project that nobody vouched
    for: to serve it is to run its code.
    """
    check_trust(version, stores)
    home = os.path.join(stores.home, "bundles")
    place = os.path.join(home, version.row.bundle)
    with suppress(BundleError):
        if open_bundle(place).digest == version.row.bundle:
            return place
    make_folder(home)
    artifact = bundle_of(version, stores)
    if artifact is None:
        raise BundleError(
            f"the bundle of {version.label} is gone: it was cleaned away",
            hint=f"`solvent deploy {version.endpoint} --run {version.row.run_id}` makes it again",
        )
    with tempfile.TemporaryDirectory(prefix=".making-", dir=home) as own:
        made = os.path.join(own, "bundle")
        shutil.copytree(stores.load(artifact), made, copy_function=shutil.copyfile)
        settings = json.loads(version.row.settings)
        more = {"version": version.number, "serving": settings, "made_at": version.row.made_at}
        annotate(made, more | {"figures": _figures(version, stores)})
        if open_bundle(made).digest != version.row.bundle:
            raise BundleError(f"the stored bundle of {version.label} is not the one that was deployed")
        if os.path.isdir(place):
            shutil.rmtree(place)
        # Another process may have been faster: then its folder is as good.
        with suppress(OSError):
            os.replace(made, place)
    return place


def check_trust(version: ModelVersion, stores: Stores) -> None:
    """Raise TrustError if a model is not this project's own, and nobody vouched for its bundle."""
    row = version.row
    if row.project == stores.project_name or is_trusted(stores.metadata, row.digest):
        return
    raise TrustError(
        f"{version.label} is a model of project {row.project!r} (by {row.author}), and serving it runs code of theirs",
        hint=f"if you trust them: solvent trust {row.digest[:12]}",
    )


def bundle_of(version: ModelVersion, stores: Stores) -> ArtifactRef | None:
    """Give the stored bundle of a version, or None if a clean-up took it."""
    try:
        artifact = stores.metadata.find_artifact(version.row.digest, version.row.type)
    except NotFoundError:
        return None
    return None if stores.blobs.missing(artifact.all_blobs()) else artifact


def _figures(version: ModelVersion, stores: Stores) -> dict[str, float | str]:
    """Give what the page of an endpoint tells of its quality and its price."""
    try:
        found = read_verification(version, stores)
    except NotFoundError:
        return {}
    figures: dict[str, float | str] = {name.rpartition(".")[2]: value for name, value in found.metrics.items()}
    for name, words, unit in (("cpu_ms", "CPU of a request", "ms"), ("memory_mb", "Memory", "MB")):
        value = found.measure(name)
        if value is not None:
            figures[words] = f"{value:.3g} {unit}"
    return figures


def annotate(folder: str, more: dict[str, Any]) -> None:
    """Add to what a bundle says beside its digest."""
    path = os.path.join(folder, ANNOTATIONS)
    with open(path, encoding="utf-8") as file:
        known = json.load(file)
    with open(path, "w", encoding="utf-8") as file:
        json.dump({**known, **more}, file, indent=1, sort_keys=True)


def read_verification(version: ModelVersion, stores: Stores) -> Verification:
    """Read what was found when a version was verified; NotFoundError if a clean-up took it."""
    row = version.row
    artifact = stores.metadata.find_artifact(row.verification_digest, row.verification_type)
    return read_json(stores.load(artifact))


def check_alias(alias: str) -> str:
    """Give an alias back, or say what one may look like."""
    if not _ALIAS.fullmatch(alias) or alias == LATEST:
        raise NotFoundError(f"{alias!r} can't be an alias", hint="letters, digits, - and _, but not `latest`")
    return alias


def point(stores: Stores, version: ModelVersion, alias: str, kind: str, why: str, *, before: int | None) -> None:
    """Move an alias in a transaction of the caller, and pin what it points at, and what it pointed at before.

    BundleError if somebody else moved it meanwhile.
    """
    row = version.row
    move = AliasMove(0, alias, before, row.number, kind, why, user_name(), 0.0)
    if not move_alias(stores.metadata, row.project, row.endpoint, alias, move):
        now = list_aliases(stores.metadata, row.project, row.endpoint).get(alias)
        last = list_moves(stores.metadata, row.project, row.endpoint, alias)[-1:]
        who = f" by {last[0].author}" if last else ""
        raise BundleError(
            f"{row.endpoint}@{alias} was moved to {now} meanwhile{who}",
            hint=f"look at `solvent models history {row.endpoint}`, and try again",
        )
    repin(stores, row.endpoint)


def repin(stores: Stores, endpoint: str) -> None:
    """Pin what the aliases of an endpoint point at, and where a rollback would lead; let go of the rest."""
    project = stores.project_name
    rows = {row.number: row for row in list_versions(stores.metadata, project, endpoint)}
    moves = list_moves(stores.metadata, project, endpoint)
    kept = set(list_aliases(stores.metadata, project, endpoint).values())
    for alias in {each.alias for each in moves}:
        target = rollback_target([each for each in moves if each.alias == alias])
        kept |= {target} if target is not None else set()
    prefix = f"model {project}/{endpoint}@"
    wanted = {(*each, f"{prefix}{number}") for number in kept for each in _subjects(rows[number])}
    there = {pin[:3] for pin in list_pins(stores.metadata) if pin.reason.startswith(prefix)}
    for pin in wanted - there:
        add_pin(stores.metadata, *pin, user_name())
    # Also what a version had before it was verified again.
    for kind, subject, reason in there - wanted:
        remove_pins(stores.metadata, kind, subject, reason)


def rollback_target(moves: Sequence[AliasMove]) -> int | None:
    """Give the version that an alias goes back to: where it was before it came to where it is now.

    Moves that a rollback took back don't count: two rollbacks go back two versions.
    """
    way: list[int] = []
    for move in moves:
        if move.kind == "rollback":
            while way and way[-1] != move.number:
                way.pop()
        if not way or way[-1] != move.number:
            way.append(move.number)
    return way[-2] if len(way) > 1 else None


def _subjects(row: ModelRow) -> list[tuple[str, str]]:
    return [
        (ARTIFACT, artifact_subject(row.digest, row.type)),
        (ARTIFACT, artifact_subject(row.verification_digest, row.verification_type)),
        (RUN, row.run_id),
    ]


def _is_meant(version: ModelVersion, which: str) -> bool:
    if which.isdigit():
        return version.number == int(which)
    return which in version.aliases or bool(_DIGEST.fullmatch(which) and version.row.bundle.startswith(which))


def _unknown_version(name: str, which: str, versions: Sequence[ModelVersion], *, several: bool) -> NotFoundError:
    if several:
        return NotFoundError(f"several versions of {name!r} have a bundle that begins with {which}")
    aliases = [alias for each in versions for alias in each.aliases]
    has = f"{len(versions)} version{'s' * (len(versions) > 1)}, and the aliases {', '.join(aliases) or '(none)'}"
    return NotFoundError(
        f"no version {which!r} of {name!r}{nearest(which, aliases)}; it has {has}",
        hint=f"`solvent models {name}` lists them",
    )
