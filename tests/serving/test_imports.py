"""What a server has imported: its own libraries, and nothing of the stores, engines and runs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SHOW = """
import json, sys
from solvent.serving import __main__, app
from solvent.serving.folder import open_bundle
from solvent.serving.program import Program
from solvent.serving.tables import from_columns
program = Program(open_bundle(sys.argv[1]))
examples = json.load(open(sys.argv[1] + "/examples.json"))
program.run(from_columns(examples["request"], program.bundle.manifest.request))
import uvicorn, uvicorn.protocols.http.httptools_impl, uvicorn.lifespan.on
print(json.dumps(sorted(sys.modules)))
"""
OURS = {
    f"solvent.{name}" for name in ("metadata", "sources", "runs", "engines", "environments", "deploy", "steps", "cli")
}
SQL_AND_PICKLES = {"sqlite3", "psycopg", "sqlalchemy", "fsspec", "skops", "dill"}


@pytest.mark.slow
def test_a_server_imports_no_store_no_engine_no_run_and_no_loader_that_its_bundle_does_not_need(cancer: Path) -> None:
    done = subprocess.run([sys.executable, "-c", SHOW, str(cancer)], capture_output=True, text=True, check=True)
    modules = set(json.loads(done.stdout))
    assert "solvent.serving.program" in modules
    assert not modules & OURS
    assert not modules & SQL_AND_PICKLES
