"""Deploying: slice, bundle, verify, gate, version, and move the alias, or say which bound failed by how much."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from solvent.artifacts.saving import save
from solvent.deploy.measures import SECONDS
from solvent.deploy.registry import CHAMPION, ModelVersion, check_alias, list_models, point, repin
from solvent.deploy.slicing import declared, write_bundle
from solvent.deploy.verify import verify_recorded
from solvent.errors import BundleError
from solvent.fingerprint.values import identify
from solvent.metadata.models import ModelRow, add_version, find_by_bundle, list_aliases
from solvent.model import ArtifactRef
from solvent.pipelines.endpoint import Endpoint
from solvent.pipelines.files import Folder
from solvent.runs.beside import writing
from solvent.runs.facts import user_name
from solvent.runs.workplaces import DEPLOYING, workplace
from solvent.serving.folder import open_bundle
from solvent.serving.verification import Verification

if TYPE_CHECKING:
    from solvent.model import RunRecord
    from solvent.runs.stores import Stores

Tell = Callable[[str], None]


class Deployment(NamedTuple):
    """What came of a deployment: `version` is None where the gate refused it or nothing was to be registered.

    `before` is where the alias pointed; `verification_digest` names the artifact of what was found. `again` says that this
    very bundle was a version before, which was verified once more.
    """

    endpoint: str
    run_id: str
    bundle: str
    verification: Verification
    verification_digest: str
    version: ModelVersion | None
    alias: str
    before: int | None
    again: bool = False

    @property
    def ok(self) -> bool:
        return self.verification.ok


def deploy(
    endpoint: Endpoint,
    run: RunRecord,
    stores: Stores,
    *,
    alias: str = CHAMPION,
    why: str = "",
    registering: bool = True,
    seconds: float = SECONDS,
    tell: Tell | None = None,
) -> Deployment:
    """Cut an endpoint out of a run, verify it, and, if it is as it should be, make it a version that `alias` points at.

    Each load test takes `seconds`. Where the gate refuses it no version is made and no alias moves; what was found is kept
    as an artifact either way.
    """
    check_alias(alias)
    say = tell or _say
    place = os.path.join(stores.home, "tmp")
    before = list_aliases(stores.metadata, stores.project_name, endpoint.name).get(alias)
    with workplace(place, DEPLOYING, stores.locks) as own, writing(stores.locks):
        folder = os.path.join(own, endpoint.name)
        say(f"cutting {endpoint.name} out of run {run.id}")
        bundle = write_bundle(declared(endpoint), run.id, stores, folder)
        found = verify_recorded(folder, endpoint.contract, stores, seconds=seconds, tell=say)
        report = _store(found.to_json(), stores)
        if not (found.ok and registering):
            _keep(stores, [report])
            return Deployment(endpoint.name, run.id, bundle, found, report.digest, None, alias, before)
        kept = _store(Folder(folder), stores)
        row = ModelRow(
            project=stores.project_name,
            endpoint=endpoint.name,
            number=0,
            bundle=open_bundle(folder).digest,
            digest=kept.digest,
            type=kept.type,
            verification_digest=report.digest,
            verification_type=report.type,
            run_id=run.id,
            target=_target(endpoint),
            settings=json.dumps(dict(found.settings), sort_keys=True),
            author=user_name(),
            made_at=time.time(),
        )
        again = find_by_bundle(stores.metadata, row.project, row.endpoint, row.bundle) is not None
        version = _register(stores, row, [kept, report], alias, why, before)
    return Deployment(endpoint.name, run.id, bundle, found, report.digest, version, alias, before, again)


def _register(
    stores: Stores, row: ModelRow, artifacts: list[ArtifactRef], alias: str, why: str, before: int | None
) -> ModelVersion:
    """Name what is durable: the artifacts, the version and the alias in one transaction."""
    stores.blobs.sync()
    moved_meanwhile: BundleError | None = None
    with stores.metadata.transaction():
        for artifact in artifacts:
            stores.metadata.add_artifact(artifact)
        number = add_version(stores.metadata, row)
        if before != number:
            try:
                point(stores, ModelVersion(row._replace(number=number), ()), alias, "deploy", why, before=before)
            except BundleError as error:
                moved_meanwhile = error
        repin(stores, row.endpoint)
    if moved_meanwhile is not None:
        # What was verified is a version all the same; only whether it is the one to be served is for people to say.
        moved_meanwhile.hint = f"it is version {number}: `solvent promote {row.endpoint}@{number} --alias {alias}`"
        raise moved_meanwhile
    return next(each for each in list_models(row.endpoint, stores) if each.number == number)


def _store(value: Any, stores: Stores) -> ArtifactRef:
    return save(value, identify(value), stores.blobs, allow_pickle=False)


def _keep(stores: Stores, artifacts: list[ArtifactRef]) -> None:
    stores.blobs.sync()
    with stores.metadata.transaction():
        for artifact in artifacts:
            stores.metadata.add_artifact(artifact)


def _target(endpoint: Endpoint) -> str:
    return f"{endpoint.module}:{endpoint.name}"


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
