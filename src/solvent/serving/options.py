"""The options of a server on the command line, for `python -m solvent.serving` and `solvent serve` alike."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace

from solvent.serving.settings import Settings


def add_options(parser: ArgumentParser) -> None:
    """Add the address, the keys and the limits."""
    default = Settings()
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=_port, default=8000, help="the port to listen on (8000); 0 takes a free one")
    parser.add_argument("--socket", metavar="FILE", help="listen on a Unix socket instead")
    parser.add_argument("--workers", type=_count, metavar="N", help="how many processes; what was measured by default")
    parser.add_argument("--keys-file", metavar="FILE", help="the API keys, one a line; or set SOLVENT_SERVE_KEYS")
    parser.add_argument(
        "--allow-anyone-on-the-network",
        action="store_true",
        help="answer whoever reaches the address, without keys",
    )
    limits = parser.add_argument_group("limits")
    for flag, kind, name, words in (
        ("--body-limit-mb", float, "body_limit_mb", f"the largest body ({default.body_limit_bytes >> 20})"),
        ("--row-limit", int, "row_limit", f"the most rows of a request ({default.row_limit})"),
        ("--body-seconds", float, "body_seconds", f"how long a body may take to arrive ({default.body_seconds:g})"),
        (
            "--predict-seconds",
            float,
            "predict_seconds",
            f"how long a prediction may take ({default.predict_seconds:g})",
        ),
        ("--queue-limit", int, "queue_limit", f"the most requests that wait for the thread ({default.queue_limit})"),
        (
            "--stop-seconds",
            float,
            "stop_seconds",
            f"how long to wait for requests when stopped ({default.stop_seconds:g})",
        ),
        ("--batch-rows", int, "batch_rows", "collect requests of one row, up to this many; 1 for none (as verified)"),
        ("--batch-ms", float, "batch_ms", "how long the first request of a batch waits (as verified)"),
    ):
        limits.add_argument(flag, type=kind, dest=name, metavar="N", help=words)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--inline", dest="inline", action="store_true", default=None, help="predict on the event loop")
    where.add_argument("--thread", dest="inline", action="store_false", help="predict in a thread of its own")
    parser.add_argument("--access-log", action="store_true", help="write a line of JSON for each request")
    parser.add_argument(
        "--replay", action="store_true", help="accept other library versions if the recorded rows are answered alike"
    )
    log = parser.add_argument_group("log of requests", "what `solvent monitor` looks at")
    log.add_argument("--log", dest="log_folder", metavar="FOLDER", help="log requests and answers in this folder")
    log.add_argument(
        "--log-share", type=float, metavar="X", help=f"those of this share of the keys, 0 to 1 ({default.log_share:g})"
    )
    log.add_argument("--log-mb", type=float, metavar="N", help=f"in at most so many MiB ({default.log_mb:g})")
    parser.add_argument("--tracebacks", action="store_true", help="show clients where a step failed")


def settings_of(given: Namespace) -> Settings:
    """Make settings of parsed options; ConfigError for a limit that serves nobody."""
    names = ("row_limit", "body_seconds", "predict_seconds", "queue_limit", "stop_seconds", "batch_rows", "batch_ms")
    log = ("log_folder", "log_share", "log_mb")
    values = {name: found for name in (*names, *log) if (found := getattr(given, name)) is not None}
    if given.body_limit_mb is not None:
        values["body_limit_bytes"] = int(given.body_limit_mb * (1 << 20))
    return Settings(
        inline=given.inline, access_log=given.access_log, tracebacks=given.tracebacks, replay=given.replay, **values
    )


def _port(text: str) -> int:
    return _whole(text, 0, 65535)


def _count(text: str) -> int:
    return _whole(text, 1, 256)


def _whole(text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and least <= int(text) <= most):
        raise ArgumentTypeError(f"expected a whole number from {least} to {most}, found {text!r}")
    return int(text)
