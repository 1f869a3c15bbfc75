"""From a table of flights to the numbers that a model takes; nothing in it is known only after departure."""

from dataclasses import dataclass

import pandas as pd

from flights_delays.clock import clock_columns
from solvent import step

PLAIN = ["distance", "temp", "humid", "wind_speed", "precip", "pressure", "visib", "plane_year", "engines", "seats"]
WEIGHT = 50


@dataclass(frozen=True)
class Encoding:
    """What was learned from the training flights: the share of late ones, over all and by group."""

    late: float
    by_carrier: dict[str, float]
    by_airport: dict[str, float]


@step
def fit_features(train: pd.DataFrame) -> Encoding:
    """Learn how often each airline and each destination is late."""
    overall = float(train["late"].mean())
    return Encoding(overall, share_late(train, "carrier", overall), share_late(train, "dest", overall))


@step
def features(encoding: Encoding, flights: pd.DataFrame) -> pd.DataFrame:
    """One row of numbers for each flight."""
    columns = {
        **clock_columns(flights),
        "carrier_late": flights["carrier"].map(encoding.by_carrier).fillna(encoding.late),
        "airport_late": flights["dest"].map(encoding.by_airport).fillna(encoding.late),
        "from_jfk": flights["origin"] == "JFK",
        "from_ewr": flights["origin"] == "EWR",
    }
    return pd.concat([pd.DataFrame(columns), flights[PLAIN]], axis=1).astype("float64")


def share_late(flights: pd.DataFrame, column: str, overall: float) -> dict[str, float]:
    """The share of late flights in each group; small groups are pulled to the share over all."""
    late = flights.groupby(column)["late"].agg(["sum", "count"])
    share = (late["sum"] + WEIGHT * overall) / (late["count"] + WEIGHT)
    return {str(name): float(one) for name, one in share.items()}
