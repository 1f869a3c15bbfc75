"""Live steps that look like those of `zoo_leaky`, and answer each row by that row alone."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

CITIES = ["lima", "oslo", "pune", "rome"]
ZONES = pd.DataFrame({"city": CITIES, "zone": [4, 1, 3, 2], "tax": [0.1, 0.2, 0.3, 0.4]})
MEANS = {"lima": 10.0, "oslo": 20.0, "pune": 30.0, "rome": 40.0}


class Pair(NamedTuple):
    numbers: np.ndarray
    names: list[str]


@dataclass
class Parts:
    table: pd.DataFrame
    scale: float
    about: str = "fares"


def fill_with_constant(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(age=table["age"].fillna(29.7))


def largest_of_row(table: pd.DataFrame) -> pd.Series:
    return table[["fare", "count"]].max(axis=1)


def mean_of_row(table: pd.DataFrame) -> pd.Series:
    return table[["fare", "count", "age"]].mean(axis=1)


def rank_in_row(table: pd.DataFrame) -> pd.DataFrame:
    return table[["fare", "count"]].rank(axis=1)


def running_total_of_row(table: pd.DataFrame) -> pd.DataFrame:
    return table[["fare", "count"]].cumsum(axis=1)


def filled_from_left(table: pd.DataFrame) -> pd.DataFrame:
    return table[["fare", "age"]].ffill(axis=1)


def fixed_bins(table: pd.DataFrame) -> pd.Series:
    return pd.cut(table["fare"], [-np.inf, 10, 50, 100, np.inf], labels=False)


def named_bins(table: pd.DataFrame) -> pd.Series:
    return pd.cut(table["fare"], [-np.inf, 10, 50, np.inf], labels=["low", "middle", "high"])


def mapped(table: pd.DataFrame) -> pd.Series:
    return table["city"].map(MEANS)


def fixed_dummies(table: pd.DataFrame) -> pd.DataFrame:
    return pd.get_dummies(table["city"], dtype=float).reindex(columns=CITIES, fill_value=0.0)


def fixed_categories(table: pd.DataFrame) -> pd.DataFrame:
    return pd.get_dummies(table["city"].astype(pd.CategoricalDtype(CITIES)), dtype=int)


def fixed_codes(table: pd.DataFrame) -> pd.Series:
    return table["city"].astype(pd.CategoricalDtype(CITIES)).cat.codes


def joined(table: pd.DataFrame) -> pd.DataFrame:
    return table.merge(ZONES, on="city", how="left", validate="many_to_one")


def looked_up(table: pd.DataFrame) -> pd.DataFrame:
    return table.join(ZONES.set_index("city"), on="city")


def own_group(table: pd.DataFrame) -> pd.Series:
    return table.groupby("id")["fare"].transform("mean")


def columns_in_order(table: pd.DataFrame) -> pd.DataFrame:
    return table[sorted(table.columns)]


def sorted_in_row(table: pd.DataFrame) -> np.ndarray:
    return np.sort(table[["fare", "count"]].to_numpy(), axis=1)


def rounded(table: pd.DataFrame) -> pd.Series:
    return table["fare"].round(1)


def fixed_clip(table: pd.DataFrame) -> pd.Series:
    return table["fare"].clip(5, 120)


def texts(table: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"first": table["city"].str[0].str.upper(), "length": table["city"].str.len()})


def parts_of_dates(table: pd.DataFrame) -> pd.DataFrame:
    days = pd.to_datetime(table["day"])
    return pd.DataFrame({"day": days, "month": days.dt.month, "weekday": days.dt.day_name()})


def days_since_constant(table: pd.DataFrame) -> pd.Series:
    return (pd.to_datetime(table["day"]) - pd.Timestamp("2020-01-01")).dt.days


def by_function(table: pd.DataFrame) -> pd.Series:
    return table.apply(lambda row: row["fare"] * 2 if row["city"] == "rome" else math.sqrt(row["count"]), axis=1)


def where(table: pd.DataFrame) -> np.ndarray:
    return np.where(table["age"].isna(), -1.0, table["age"] > 30)


def missing_flags(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(incomplete=table.isna().any(axis=1))


def nullable(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(age=table["age"].round().astype("Int64"), known=table["age"].notna().astype("boolean"))


def by_index(table: pd.DataFrame) -> pd.DataFrame:
    return table.set_index("id")[["fare"]] * 2


def softmax_of_row(table: pd.DataFrame) -> np.ndarray:
    numbers = table[["fare", "count"]].to_numpy() / 100
    chances = np.exp(numbers - numbers.max(axis=1, keepdims=True))
    return chances / chances.sum(axis=1, keepdims=True)


def matrix_product(table: pd.DataFrame) -> np.ndarray:
    return table[["fare", "count"]].to_numpy() @ np.linspace(-1, 1, 14).reshape(2, 7)


def unit_rows(table: pd.DataFrame) -> np.ndarray:
    numbers = table[["fare", "count"]].to_numpy(dtype=float) + 1
    return numbers / np.linalg.norm(numbers, axis=1, keepdims=True)


def single_precision(table: pd.DataFrame) -> np.ndarray:
    return (table[["fare", "count"]].to_numpy() @ np.ones((2, 3)) / 7).astype(np.float32)


def pictures(table: pd.DataFrame) -> np.ndarray:
    return np.outer(table["fare"], np.arange(12.0)).reshape(len(table), 3, 2, 2)


def labels(table: pd.DataFrame) -> np.ndarray:
    return np.array(["late", "on time"])[(table["fare"] > 50).astype(int)]


def polars_columns(table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns(double=pl.col("fare") * 2, low=pl.col("age").fill_null(29.7) < 30)


def polars_in_row(table: pl.DataFrame) -> pl.DataFrame:
    return table.select(most=pl.max_horizontal("fare", "count"), text=pl.col("city").str.to_uppercase())


def polars_join(table: pl.DataFrame) -> pl.DataFrame:
    return table.join(
        pl.DataFrame({"city": CITIES, "zone": [4, 1, 3, 2]}), on="city", how="left", maintain_order="left"
    )


def polars_replaced(table: pl.DataFrame) -> pl.Series:
    return table["city"].replace_strict(MEANS, default=0.0)


def arrow_columns(table: pd.DataFrame) -> pa.Table:
    return pa.table({"fare": table["fare"].to_numpy(), "city": table["city"].tolist()})


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{"city": city, "fares": [fare, fare * 2]} for city, fare in zip(table["city"], table["fare"], strict=True)]


def dict_of_columns(table: pd.DataFrame) -> dict[str, Any]:
    return {"fare": table["fare"].to_numpy() * 2, "city": table["city"].tolist()}


def named_tuple(table: pd.DataFrame) -> Pair:
    return Pair(table[["fare", "count"]].to_numpy(), table["city"].tolist())


def dataclass_of_rows(table: pd.DataFrame) -> Parts:
    return Parts(table[["fare"]], 0.5)


def per_row_seed(table: pd.DataFrame) -> list[float]:
    return [
        fare + float(np.random.default_rng(each).normal())
        for each, fare in zip(table["count"], table["fare"], strict=True)
    ]


PLAIN = (
    *(fill_with_constant, largest_of_row, mean_of_row, rank_in_row, running_total_of_row, filled_from_left, fixed_bins),
    *(named_bins, mapped, fixed_dummies, fixed_categories, fixed_codes, joined, looked_up, own_group, columns_in_order),
    *(
        sorted_in_row,
        rounded,
        fixed_clip,
        texts,
        parts_of_dates,
        days_since_constant,
        by_function,
        where,
        missing_flags,
    ),
    *(
        nullable,
        by_index,
        softmax_of_row,
        matrix_product,
        unit_rows,
        single_precision,
        pictures,
        labels,
        polars_columns,
    ),
    *(polars_in_row, polars_join, polars_replaced, arrow_columns, records, dict_of_columns, named_tuple),
    *(dataclass_of_rows, per_row_seed),
)
