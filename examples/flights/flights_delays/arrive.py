"""The file of a month arrives: `python -m flights_delays.arrive 3` writes data/flights.parquet over the one before."""

import sys
from pathlib import Path

from flights_delays.data import load, release

PLACE = Path("data/flights.parquet")


def arrive(month: int) -> int:
    """Write the flights of one month, and tell how many they are."""
    flights = load((month,), release())  # outside a run a step is a plain function
    PLACE.parent.mkdir(exist_ok=True)
    flights.to_parquet(PLACE, index=False)
    return len(flights)


if __name__ == "__main__":
    arrive(int(sys.argv[1]))
