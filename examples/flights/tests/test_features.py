"""A step called outside a run is the plain function, so a test needs nothing special."""

import pandas as pd

from flights_delays.features import Encoding, features, fit_features


def flights(**changes: object) -> pd.DataFrame:
    one = {
        "month": 3, "day": 1, "sched_dep_time": 1745, "carrier": "UA", "origin": "JFK", "dest": "LAX",
        "distance": 2475, "temp": 40.0, "humid": 60.0, "wind_speed": 9.0, "precip": 0.0, "pressure": 1012.0,
        "visib": 10.0, "plane_year": 2001.0, "engines": 2.0, "seats": 180.0, "late": True,
    }  # fmt: skip
    return pd.DataFrame([{**one, **changes}, one])


def test_time_of_departure_is_read_from_the_clock() -> None:
    row = features(Encoding(0.2, {}, {}), flights()).iloc[0]
    assert (row["minutes"], row["rush"], row["weekday"]) == (17 * 60 + 45, 1, 4)


def test_an_airline_never_seen_gets_the_overall_share() -> None:
    encoding = fit_features(flights(late=False))
    assert features(encoding, flights(carrier="ZZ"))["carrier_late"].iloc[0] == 0.5


def test_features_of_a_flight_do_not_depend_on_the_others() -> None:
    encoding = fit_features(flights(late=False))
    both = flights(carrier="AA")
    assert features(encoding, both).iloc[[0]].equals(features(encoding, both.iloc[[0]]))
