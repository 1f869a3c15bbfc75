"""What the time of departure says about a flight."""

import pandas as pd

from flights_delays.rush import in_rush


def clock_columns(flights: pd.DataFrame) -> dict[str, pd.Series]:
    """Columns from the scheduled departure, written like 1745 for a quarter to six."""
    hour, minute = flights["sched_dep_time"] // 100, flights["sched_dep_time"] % 100
    date = pd.to_datetime({"year": 2013, "month": flights["month"], "day": flights["day"]})
    return {
        "minutes": hour * 60 + minute,
        "rush": in_rush(hour),
        "weekday": date.dt.day_of_week,
        "month": flights["month"],
    }
