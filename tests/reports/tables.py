"""Tables to look at, small ones: one that moved, one that attacks, and those that have little to show."""

from __future__ import annotations

from typing import Any

ATTACKS = (
    "<script>alert(1)</script>",
    "</title></svg><script>alert(2)</script>",
    '"><img src=x onerror=alert(3)>',
    "' autofocus onfocus=alert(4) '",
    "javascript:alert(5)",
    "{{ 7 * 7 }}{% raw %}",
    "</style><style>*{display:none}</style>",
    '<iframe src="https://example.com/"></iframe>',
    "<base href='https://example.com/'><a href=//example.com>x</a>",
    "&lt;b&gt;",
    "\u202egnp.exe\u0000\ud800",
    "line one\nline two\ttab",
    "👩‍👩‍👧 ünïcode " * 20,
)


def moved(rows: int = 400, shift: float = 0.0, **more: Any) -> Any:
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(7)
    return pd.DataFrame(
        {
            "delay": rng.normal(10 + shift, 5, rows),
            "carrier": np.where(rng.random(rows) < 0.3 + shift / 40, "UA", "B6"),
            "at": pd.date_range("2013-01-01", periods=rows, freq="h"),
            "late": rng.random(rows) < 0.2,
            "always": 1,
            "id": [f"row {at}" for at in range(rows)],
            **more,
        }
    )


def hostile() -> Any:
    """A table whose column names and values try to become markup."""
    import pandas as pd

    sound = [each.encode("utf-8", "replace").decode() for each in ATTACKS]
    values = sound * 6
    return pd.DataFrame({name: [values[at:] + values[:at]][0] for at, name in enumerate(sound)})
