"""Which texts of a column match a regular expression of Python's `re` as a whole.

The engine in Arrow is fast and reads most patterns as Python does. It gets those whose meaning is the same in both; all
others are tried by Python on each different text once.
"""

from __future__ import annotations

import re
from typing import Any

# Letters, classes, groups, alternatives and counted repeats. Left out are: look-around and flags `(?`, `$` and `^` outside a
# class, escapes but \d \w and signs, nested `[` in a class, possessive repeats, and `{,n}`, which the two read differently.
_PLAIN = re.compile(
    r"(?:[\w \-,:/@#%&=!<>~;'\"]|\.|\\[dw.\-+*?()\[\]{}|/\\]|\((?!\?)|\||\)"
    r"|(?:[*+?]|\{\d{1,3}(?:,\d{0,3})?\})\??(?![*+?{])"
    r"|\[\^?\]?(?:[^\\\[\]\-&~|]|(?<=[a-z0-9A-Z])-(?=[a-z0-9A-Z])|-(?=\])|\\[dw.\-+*?()\[\]{}|/\\])*\])*",
    re.ASCII,
)


def unmatched(values: Any, pattern: str, flags: int = 0) -> Any:
    """Give an array with a truth for each row of an Arrow column of texts: whether it doesn't match; nulls do."""
    import pyarrow as pa

    if not flags and _PLAIN.fullmatch(pattern) and _is_ascii(values):
        try:
            return _by_arrow(values, pattern)
        except pa.ArrowInvalid:  # it reads this pattern as none
            pass
    return _by_python(values, re.compile(pattern, flags))


def _is_ascii(values: Any) -> bool:
    """Whether letters and digits are those of ASCII: of others each engine has its own."""
    import pyarrow.compute as pc

    compute: Any = pc
    return compute.all(compute.string_is_ascii(values)).as_py() in (True, None)


def _by_arrow(values: Any, pattern: str) -> Any:
    import pyarrow.compute as pc

    from solvent.profiles.checked_columns import truths

    compute: Any = pc
    matching = compute.match_substring_regex(values, pattern=rf"\A(?:{pattern})\z")
    return truths(compute.invert(matching))


def _by_python(values: Any, pattern: re.Pattern[str]) -> Any:
    import numpy as np

    from solvent.profiles.repeats import codes_of

    codes, texts = codes_of(values)
    bad = np.fromiter((pattern.fullmatch(text) is None for text in texts.to_pylist()), dtype=bool, count=len(texts))
    return np.append(bad, False)[codes]
