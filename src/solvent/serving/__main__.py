"""`python -m solvent.serving FOLDER`: serve a bundle, with no store, no database and no network."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from solvent.errors import SolventError
from solvent.serving.options import add_options, settings_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until stopped; exit code 2 if the bundle is not as it should be."""
    parser = ArgumentParser(prog="python -m solvent.serving", description="Serve a bundle.", allow_abbrev=False)
    parser.add_argument("folder", metavar="FOLDER", help="the folder of a bundle")
    add_options(parser)
    given = parser.parse_args(arguments)
    try:
        _serve(given)
    except SolventError as error:
        print(f"solvent: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _serve(given: Namespace) -> None:
    from solvent.config.threads import limit_threads
    from solvent.serving.keys import read_keys, require_keys

    settings, keys = settings_of(given), read_keys(given.keys_file)
    require_keys(given.host, keys, allow_anyone=given.allow_anyone_on_the_network)
    # One request is a few rows: several numeric threads cost more than they give. Measured: 6.5 ms of CPU instead of 3.8.
    limit_threads(1)
    import uvicorn

    from solvent.serving.app import App
    from solvent.serving.folder import open_bundle
    from solvent.serving.model import Model
    from solvent.serving.traffic import Traffic
    from solvent.serving.warmup import warm_up

    model = Model(open_bundle(given.folder))
    warm_up(model)
    uvicorn.run(
        App(Traffic(model), settings, keys),
        host=given.host,
        port=given.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=round(settings.stop_seconds),
    )


if __name__ == "__main__":
    sys.exit(main())
