"""`python -m solvent.serving FOLDER`: serve a bundle, with no store, no database and no network."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Sequence

from solvent.errors import SolventError


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until stopped; exit code 2 if the bundle is not as it should be."""
    parser = ArgumentParser(prog="python -m solvent.serving", description="Serve a bundle.", allow_abbrev=False)
    parser.add_argument("folder", metavar="FOLDER", help="the folder of a bundle")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="the port to listen on (8000)")
    given = parser.parse_args(arguments)
    try:
        _serve(given.folder, given.host, given.port)
    except SolventError as error:
        print(f"solvent: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _serve(folder: str, host: str, port: int) -> None:
    from solvent.config.threads import limit_threads

    # One request is a few rows: several numeric threads cost more than they give. Measured: 6.5 ms of CPU instead of 3.8.
    limit_threads(1)
    import uvicorn

    from solvent.serving.app import App
    from solvent.serving.folder import open_bundle
    from solvent.serving.program import Program

    uvicorn.run(App(Program(open_bundle(folder))), host=host, port=port, log_level="warning")


if __name__ == "__main__":
    sys.exit(main())
