"""Who ran what, when and where: the part of a run's record that is known before its first step."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from solvent.config.masking import learn_urls, masked_json, masked_words
from solvent.model import RunRecord


def new_run_id(at: float) -> str:
    """Make the id of a run: when it started, to the second, and six random hex digits."""
    return time.strftime("%Y%m%d-%H%M%S-", time.localtime(at)) + os.urandom(3).hex()


def user_name() -> str:
    """Name the person who runs this, as the environment or the system knows them."""
    for name in ("SOLVENT_USER", "USER", "USERNAME", "LOGNAME"):
        if os.environ.get(name):
            return os.environ[name]
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError, OSError):
        return "unknown"


def host_name() -> str:
    if hasattr(os, "uname"):
        return os.uname().nodename
    return os.environ.get("COMPUTERNAME", "unknown")


def command_line() -> str:
    """Give the command as a person would type it again, but for the secrets in it."""
    import shlex

    given = [os.path.basename(sys.argv[0]) if sys.argv else "python", *sys.argv[1:]]
    return shlex.join(masked_words(given))


def config_text(resolved: Any) -> str:
    """Write a resolved config down as it is recorded: without the passwords that its URLs hold."""
    text = json.dumps(resolved.as_json, sort_keys=True)
    learn_urls(text)
    return masked_json(text)


def begin_record(run_id: str, at: float, *, pipeline: Any, target: str, resolved: Any, **more: Any) -> RunRecord:
    """Make the record of a run that begins."""
    return RunRecord(
        id=run_id,
        pipeline=pipeline.name,
        target=target,
        status="running",
        started_at=at,
        user=user_name(),
        host=host_name(),
        cwd=os.getcwd(),
        command=command_line(),
        config=config_text(resolved),
        config_sources=json.dumps(resolved.sources),
        **more,
    )
