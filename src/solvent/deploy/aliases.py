"""Moving an alias to another version: forward to one that was verified, or back to where it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from solvent.deploy.registry import (
    CHAMPION,
    ModelVersion,
    check_alias,
    list_models,
    materialise,
    point,
    read_verification,
    rollback_target,
)
from solvent.errors import BundleError, NotFoundError, nearest
from solvent.metadata.models import list_aliases, list_moves

if TYPE_CHECKING:
    from solvent.runs.stores import Stores


class Moved(NamedTuple):
    """An alias that points at `version` now, and pointed at `before`; `moved` is false where it did already."""

    version: ModelVersion
    alias: str
    before: int | None
    moved: bool


def promote(version: ModelVersion, stores: Stores, *, alias: str = CHAMPION, why: str = "") -> Moved:
    """Point an alias at a version whose verification was green and whose bundle is there; BundleError if not.

    The bundle is opened, and every digest checked, before anything is promised.
    """
    check_alias(alias)
    if version.row.project != stores.project_name:
        raise BundleError(
            f"{version.label} is a model of project {version.row.project!r}: its aliases are moved there",
            hint="deploy it from here to have a version of your own",
        )
    materialise(version, stores)
    found = read_verification(version, stores)
    if not found.ok:
        raise BundleError(f"{version.label} was verified again, and failed: {found.failures[0]}")
    return _move(version, stores, alias, "promote", why)


def rollback(endpoint: str, stores: Stores, *, alias: str = CHAMPION, why: str = "") -> Moved:
    """Point an alias at the version that it pointed at before; again, at the one before that."""
    versions = list_models(endpoint, stores)
    aliases = list_aliases(stores.metadata, stores.project_name, endpoint)
    if alias not in aliases:
        raise NotFoundError(
            f"{endpoint!r} has no alias {alias!r}{nearest(alias, aliases)}",
            hint=f"`solvent models {endpoint}` lists them",
        )
    target = rollback_target(list_moves(stores.metadata, stores.project_name, endpoint, alias))
    if target is None:
        raise BundleError(
            f"{endpoint}@{alias} never pointed at another version than {aliases[alias]}",
            hint=f"`solvent promote {endpoint}@N --alias {alias}` moves it to a version that you name",
        )
    version = next(each for each in versions if each.number == target)
    materialise(version, stores)
    return _move(version, stores, alias, "rollback", why)


def _move(version: ModelVersion, stores: Stores, alias: str, kind: str, why: str) -> Moved:
    before = list_aliases(stores.metadata, stores.project_name, version.endpoint).get(alias)
    if before == version.number:
        return Moved(version, alias, before, False)
    with stores.metadata.transaction():
        point(stores, version, alias, kind, why, before=before)
    return Moved(version, alias, before, True)
