"""How many threads numeric libraries get: as many as a step or a server has cpus, unless the user said otherwise."""

from __future__ import annotations

import os
import sys

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS")
_asked = {name: os.environ[name] for name in _THREAD_VARIABLES if name in os.environ}
_limited: tuple[int, bool] = (0, False)


def limit_threads(cpus: int) -> None:
    """Give numeric libraries as many threads as a step or server has cpus: several share the machine.

    A library that is loaded later reads the environment; those that are loaded are told, where threadpoolctl is there to do
    it. What the user has set in the environment stays.
    """
    global _limited
    loaded = "sklearn" in sys.modules or "scipy" in sys.modules
    if _limited == (cpus, loaded):
        return
    _limited = (cpus, loaded)
    os.environ.update({name: _asked.get(name, str(cpus)) for name in _THREAD_VARIABLES})
    if loaded and not _asked:
        try:
            from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
        except ImportError:
            return
        threadpool_limits(cpus)
