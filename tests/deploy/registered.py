"""Model versions for the tests of rollout: bundles written by hand, registered as if they had been verified."""

import time
from pathlib import Path

from solvent.artifacts.saving import save
from solvent.config.project import Project
from solvent.deploy.registry import ModelVersion, point
from solvent.fingerprint.values import identify
from solvent.metadata.models import ModelRow, add_version, list_aliases
from solvent.pipelines.files import Folder
from solvent.runs.stores import Stores
from solvent.serving.folder import open_bundle
from solvent.serving.verification import Verification


def register(folder: Path, alias: str = "champion", *, project: Path | None = None) -> int:
    """Make a bundle a version of its endpoint, point an alias at it, and give its number."""
    stores = Stores(Project.find(project) if project else Project.find())
    try:
        bundle = open_bundle(str(folder))
        name = bundle.manifest.endpoint
        report = Verification(name, bundle.digest, 0.0, 0.0, 0, (), None, (), (), (), (), {}, {}).to_json()
        kept, found = [save(each, identify(each), stores.blobs) for each in (Folder(str(folder)), report)]
        row = ModelRow(
            project=stores.project_name,
            endpoint=name,
            number=0,
            bundle=bundle.digest,
            digest=kept.digest,
            type=kept.type,
            verification_digest=found.digest,
            verification_type=found.type,
            run_id="-",
            target="-",
            settings="{}",
            author="test",
            made_at=time.time(),
        )
        stores.blobs.sync()
        with stores.metadata.transaction():
            stores.metadata.add_artifact(kept)
            stores.metadata.add_artifact(found)
            number = add_version(stores.metadata, row)
            before = list_aliases(stores.metadata, stores.project_name, name).get(alias)
            if before != number:
                point(stores, ModelVersion(row._replace(number=number), ()), alias, "deploy", "", before=before)
        return number
    finally:
        stores.close()
