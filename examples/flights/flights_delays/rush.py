"""When the airports are full."""

import pandas as pd


def in_rush(hour: pd.Series) -> pd.Series:
    """Whether an hour of the day is one of the busy ones."""
    return (hour >= 16) & (hour < 20)
