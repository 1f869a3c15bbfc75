"""What a server has imported: its own libraries, and nothing of the stores, engines and runs."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import wait_until
from tests.serving.servers import Server, free_port

OURS = {
    f"solvent.{name}" for name in ("metadata", "sources", "runs", "engines", "environments", "deploy", "steps", "cli")
}
SQL_AND_PICKLES = {"sqlite3", "psycopg", "sqlalchemy", "fsspec", "skops", "dill"}


@pytest.mark.slow
def test_a_server_imports_no_store_no_engine_no_run_and_no_loader_that_its_bundle_does_not_need(cancer: Path) -> None:
    examples = json.loads((cancer / "examples.json").read_text())
    port = free_port()
    log = cancer.parent / "imports.log"
    command = [sys.executable, "-X", "importtime", "-m", "solvent.serving", str(cancer), "--port", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(command, env={**os.environ, "SOLVENT_HOME": "/nowhere"}, stderr=out)
        try:
            server = Server(f"http://127.0.0.1:{port}", process)
            wait_until(lambda: process.poll() is not None or _is_ready(server))
            assert server.post("/predict", {"columns": examples["request"]}).status == 200
            assert server.get("/metrics").status == 200
        finally:
            process.terminate()
            process.wait(20)
    modules = set(re.findall(r"\| +([\w.]+)$", log.read_text(), re.MULTILINE))
    assert {"solvent.serving.program", "solvent.serving.app", "msgspec"} <= modules
    assert not modules & OURS
    assert not modules & SQL_AND_PICKLES


def _is_ready(server: Server) -> bool:
    try:
        return server.get("/v2/health/ready").status == 200
    except OSError:
        return False
