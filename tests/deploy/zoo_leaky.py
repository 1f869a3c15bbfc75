"""Live steps that look at other rows than their own, in the ways people write them; each takes a table and gives rows."""

import random
import time
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

TABLE: dict[str, Any] = {}
SEEN = [0]


def mean_fill(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(age=table["age"].fillna(table["age"].mean()))


def rank(table: pd.DataFrame) -> pd.Series:
    return table["fare"].rank(pct=True)


def quantile_bins(table: pd.DataFrame) -> pd.Series:
    return pd.qcut(table["fare"], 4, labels=False, duplicates="drop")


def even_bins(table: pd.DataFrame) -> pd.Series:
    return pd.cut(table["fare"], 5, labels=False)


def dummies(table: pd.DataFrame) -> pd.DataFrame:
    return pd.get_dummies(table[["city", "fare"]], dtype=float)


def rolling_mean(table: pd.DataFrame) -> pd.Series:
    return table["fare"].rolling(3, min_periods=1).mean()


def difference(table: pd.DataFrame) -> pd.Series:
    return table["fare"].diff().fillna(0)


def lag(table: pd.DataFrame) -> pd.Series:
    return table["fare"].shift(1, fill_value=0)


def running_total(table: pd.DataFrame) -> pd.Series:
    return table["fare"].cumsum()


def factorize(table: pd.DataFrame) -> np.ndarray:
    return pd.factorize(table["city"])[0]


def category_codes(table: pd.DataFrame) -> pd.Series:
    return table["city"].astype("category").cat.codes


def frequency(table: pd.DataFrame) -> pd.Series:
    return table["city"].map(table["city"].value_counts())


def group_mean(table: pd.DataFrame) -> pd.Series:
    return table.groupby("city")["fare"].transform("mean")


def order(table: pd.DataFrame) -> pd.DataFrame:
    return table.sort_values("fare")


def without_twins(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop_duplicates()


def without_missing(table: pd.DataFrame) -> pd.DataFrame:
    return table.dropna()


def shuffle(table: pd.DataFrame) -> pd.DataFrame:
    return table.sample(frac=1.0, random_state=0).reset_index(drop=True)


def clip_to_quantiles(table: pd.DataFrame) -> pd.Series:
    return table["fare"].clip(table["fare"].quantile(0.05), table["fare"].quantile(0.95))


def by_largest(table: pd.DataFrame) -> pd.Series:
    return table["fare"] / table["fare"].max()


def standardize(table: pd.DataFrame) -> pd.DataFrame:
    numbers = table[["fare", "count"]]
    return (numbers - numbers.mean()) / numbers.std(ddof=0).replace(0, 1)


def target_mean(table: pd.DataFrame) -> pd.Series:
    return table["city"].map(table.groupby("city")["count"].mean())


def several_matches(table: pd.DataFrame) -> pd.DataFrame:
    return table.merge(pd.DataFrame({"city": ["rome", "rome", "oslo"], "zone": [1, 2, 3]}), on="city", how="left")


def inner_match(table: pd.DataFrame) -> pd.DataFrame:
    return table.merge(pd.DataFrame({"city": ["rome", "oslo"], "zone": [1, 2]}), on="city")


def place(table: pd.DataFrame) -> np.ndarray:
    return np.argsort(np.argsort(table["fare"].to_numpy()))


def softmax_of_batch(table: pd.DataFrame) -> np.ndarray:
    chances = np.exp(table["fare"].to_numpy() / 100)
    return chances / chances.sum()


def one_hot_of_batch(table: pd.DataFrame) -> np.ndarray:
    names, codes = np.unique(table["city"].to_numpy(dtype=str), return_inverse=True)
    return np.eye(len(names))[codes]


def batch_size(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(rows=len(table))


def counter(table: pd.DataFrame) -> pd.Series:
    SEEN[0] += 1
    return table["fare"] + SEEN[0]


def row_number(table: pd.DataFrame) -> pd.DataFrame:
    return table.reset_index().rename(columns={"index": "number"})


def years_since(table: pd.DataFrame) -> pd.Series:
    return datetime.now().year - table["count"]


def seconds_since(table: pd.DataFrame) -> np.ndarray:
    return time.time() - table["fare"].to_numpy()


def days_since(table: pd.DataFrame) -> pd.Series:
    return (pd.Timestamp.now().normalize() - pd.to_datetime(table["day"])).dt.days


def days_until(table: pd.DataFrame) -> list[int]:
    return [(date.today() - date.fromisoformat(each)).days for each in table["day"]]


def noise(table: pd.DataFrame) -> pd.Series:
    return table["fare"] + np.random.default_rng().normal(size=len(table))


def seeded_noise(table: pd.DataFrame) -> pd.Series:
    return table["fare"] + np.random.default_rng(0).normal(size=len(table))


def coin(table: pd.DataFrame) -> list[float]:
    return [each + random.random() for each in table["fare"]]


def filled_from_above(table: pd.DataFrame) -> pd.Series:
    return table["age"].ffill()


def interpolated(table: pd.DataFrame) -> pd.Series:
    return table["age"].interpolate(limit_direction="both")


def most_frequent(table: pd.DataFrame) -> pd.Series:
    return table["age"].fillna(table["age"].mode().iloc[0])


def over_a_group(table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns(mean=pl.col("fare").mean().over("city"))


def polars_total(table: pl.DataFrame) -> pl.DataFrame:
    return table.select(pl.col("fare").cum_sum())


def polars_rank(table: pl.DataFrame) -> pl.Series:
    return table["fare"].rank()


def polars_fill(table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns(pl.col("age").fill_null(strategy="mean"))


def polars_shift(table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns(before=pl.col("fare").shift(1))


def polars_unique(table: pl.DataFrame) -> pl.DataFrame:
    return table.unique(maintain_order=True)


def polars_dummies(table: pl.DataFrame) -> pl.DataFrame:
    return table.select("city").to_dummies()


def summary(table: pd.DataFrame) -> dict[str, float]:
    return {"fare": float(table["fare"].mean()), "rows": float(len(table))}


def one_number(table: pd.DataFrame) -> float:
    return float(table["fare"].sum())


def needs_several(table: pd.DataFrame) -> np.ndarray:
    return (
        np.cov(table[["fare", "count"]].to_numpy().T, ddof=1)[0, 0] * np.ones(len(table)) if len(table) > 1 else 1 / 0
    )


def remembers_the_first(table: pd.DataFrame) -> pd.Series:
    if "mean" not in TABLE:
        TABLE["mean"] = table["fare"].mean()
    return table["fare"] - TABLE["mean"]


def total_of_a_list(table: pd.DataFrame) -> list[float]:
    fares = table["fare"].tolist()
    return [each / sum(fares) for each in fares]


def flag_of_any(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(incomplete=bool(table["age"].isna().any()))


# Those of scikit-learn.


def fit_transform(table: pd.DataFrame) -> np.ndarray:
    from sklearn.preprocessing import StandardScaler

    return StandardScaler().fit_transform(table[["fare", "count"]])


def min_max(table: pd.DataFrame) -> np.ndarray:
    from sklearn.preprocessing import minmax_scale

    return minmax_scale(table["fare"])


def components(table: pd.DataFrame) -> np.ndarray:
    from sklearn.decomposition import PCA

    return PCA(1).fit_transform(table[["fare", "count"]])


def clusters(table: pd.DataFrame) -> np.ndarray:
    from sklearn.cluster import KMeans

    return KMeans(2, n_init=1, random_state=0).fit_predict(table[["fare", "count"]])


def label_codes(table: pd.DataFrame) -> np.ndarray:
    from sklearn.preprocessing import LabelEncoder

    return LabelEncoder().fit_transform(table["city"])


def binarized(table: pd.DataFrame) -> np.ndarray:
    from sklearn.preprocessing import label_binarize

    return label_binarize(table["city"], classes=sorted(table["city"].unique()))


def words(table: pd.DataFrame) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer().fit_transform(table["city"])


def imputed(table: pd.DataFrame) -> np.ndarray:
    from sklearn.impute import SimpleImputer

    return SimpleImputer(keep_empty_features=True).fit_transform(table[["age", "fare"]])


def neighbours(table: pd.DataFrame) -> np.ndarray:
    from sklearn.neighbors import LocalOutlierFactor

    return LocalOutlierFactor(min(5, len(table))).fit_predict(table[["fare", "count"]])


PLAIN = (
    *(mean_fill, rank, quantile_bins, even_bins, dummies, rolling_mean, difference, lag, running_total, factorize),
    *(category_codes, frequency, group_mean, order, without_twins, without_missing, shuffle, clip_to_quantiles),
    *(by_largest, standardize, target_mean, several_matches, inner_match, place, softmax_of_batch, one_hot_of_batch),
    *(batch_size, counter, row_number, years_since, seconds_since, days_since, days_until, noise, seeded_noise, coin),
    *(filled_from_above, interpolated, most_frequent, over_a_group, polars_total, polars_rank, polars_fill),
    *(polars_shift, polars_unique, polars_dummies, summary, one_number, needs_several, remembers_the_first),
    *(total_of_a_list, flag_of_any),
)
SKLEARN = (fit_transform, min_max, components, clusters, label_codes, binarized, words, imputed, neighbours)
