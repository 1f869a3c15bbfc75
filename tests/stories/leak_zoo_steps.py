"""The steps of the leaky and the sound pipelines of the zoo, as people write them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.impute import SimpleImputer
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.preprocessing import StandardScaler

from solvent import step

COLUMNS = ["age", "height", "dose"]


class Parts(NamedTuple):
    train: pd.DataFrame
    test: pd.DataFrame


class PolarsParts(NamedTuple):
    train: pl.DataFrame
    validation: pl.DataFrame
    test: pl.DataFrame


class Arrays(NamedTuple):
    X_train: np.ndarray[Any, Any]
    X_test: np.ndarray[Any, Any]
    y_train: np.ndarray[Any, Any]
    y_test: np.ndarray[Any, Any]


class Matrix(NamedTuple):
    X: np.ndarray[Any, Any]
    y: np.ndarray[Any, Any]


class Columns(NamedTuple):
    X: pd.DataFrame
    y: pd.Series


class Indices(NamedTuple):
    train: np.ndarray[Any, Any]
    test: np.ndarray[Any, Any]


class Fitted(NamedTuple):
    model: Any
    accuracy: float


@dataclass(frozen=True)
class Scale:
    middle: dict[str, float]
    width: dict[str, float]


def made(rows: int = 300, seed: int = 0) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    age = generator.normal(50, 12, rows).round(2)
    dose = generator.gamma(2.0, 3.0, rows).round(3)
    return pd.DataFrame(
        {
            "patient": np.arange(rows) + 1000 * seed,
            "clinic": [f"clinic {each}" for each in generator.integers(0, 12, rows)],
            "visit": pd.Timestamp("2013-01-01") + pd.to_timedelta(np.arange(rows) // 3, unit="D"),
            "age": age,
            "height": generator.normal(170, 9, rows).round(2),
            "dose": dose,
            "sick": (age + 4 * dose + generator.normal(0, 15, rows) > 75).astype(int),
        }
    )


@step
def load(seed: int = 0) -> pd.DataFrame:
    return made(seed=seed)


@step
def load_polars() -> pl.DataFrame:
    return pl.from_pandas(made())


@step
def load_matrix() -> Matrix:
    table = made()
    return Matrix(table[COLUMNS].to_numpy(), table["sick"].to_numpy())


@step
def load_clinics() -> pd.DataFrame:
    generator = np.random.default_rng(5)
    return pd.DataFrame({"clinic": [f"clinic {each}" for each in range(12)], "beds": generator.random(12) * 90})


@step
def halve(table: pd.DataFrame, seed: int = 0) -> Parts:
    chosen = np.random.default_rng(seed).random(len(table)) < 0.7
    return Parts(table[chosen], table[~chosen])


@step
def halve_polars(table: pl.DataFrame) -> PolarsParts:
    table = table.sample(fraction=1, shuffle=True, seed=3)
    return PolarsParts(table[:180], table[180:240], table[240:])


@step
def halve_arrays(X: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> Arrays:
    return Arrays(X[:220], X[220:], y[:220], y[220:])


@step
def halve_tuple(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    return table.iloc[:220], table.iloc[220:]


@step
def indices(table: pd.DataFrame) -> Indices:
    order = np.random.default_rng(1).permutation(len(table))
    return Indices(order[:220], order[220:])


@step
def rows_of(table: pd.DataFrame, chosen: np.ndarray[Any, Any]) -> pd.DataFrame:
    return table.iloc[chosen]


@step
def clean(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["age"] > 18].assign(dose=table["dose"].clip(0, 30))


@step
def fit_scaler(table: pd.DataFrame) -> StandardScaler:
    return StandardScaler().fit(table[COLUMNS])


@step
def apply_scaler(scaler: StandardScaler, table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(**dict(zip(COLUMNS, scaler.transform(table[COLUMNS]).T, strict=True)))


@step
def fit_imputer(table: pd.DataFrame) -> SimpleImputer:
    return SimpleImputer().fit(table[COLUMNS])


@step
def fit_pca(table: pd.DataFrame) -> PCA:
    return PCA(2).fit(table[COLUMNS])


@step
def fit_clusters(table: pd.DataFrame) -> KMeans:
    return KMeans(3, n_init=1, random_state=0).fit(table[COLUMNS])


@step
def apply_any(fitted: Any, table: pd.DataFrame) -> np.ndarray[Any, Any]:
    found = fitted.transform(table[COLUMNS])
    return np.asarray(found)


@step
def fit_selector(table: pd.DataFrame) -> SelectKBest:
    return SelectKBest(f_classif, k=2).fit(table[COLUMNS], table["sick"])


@step
def best_columns(table: pd.DataFrame) -> list[str]:
    strength = table[[*COLUMNS, "sick"]].corr()["sick"].abs().drop("sick")
    return list(strength.sort_values().index[-1:])


@step
def number_columns(table: pd.DataFrame) -> list[str]:
    return [name for name in table.columns if table[name].dtype == "float64"]


@step
def keep_columns(table: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    return table[[*names, "sick"]]


@step
def fit_model(table: pd.DataFrame, columns: list[str] | None = None) -> LogisticRegression:
    return LogisticRegression().fit(table[columns or COLUMNS], table["sick"])


@step
def fit_early(train: pd.DataFrame, validation: pd.DataFrame) -> LogisticRegression:
    models = [LogisticRegression(C=each).fit(train[COLUMNS], train["sick"]) for each in (0.01, 1.0)]
    return max(models, key=lambda each: each.score(validation[COLUMNS], validation["sick"]))


@step
def fit_and_score(train: pd.DataFrame, test: pd.DataFrame) -> Fitted:
    model = LogisticRegression().fit(train[COLUMNS], train["sick"])
    return Fitted(model, float(model.score(test[COLUMNS], test["sick"])))


@step
def fit_on_parts(parts: Parts) -> LogisticRegression:
    return LogisticRegression().fit(parts.train[COLUMNS], parts.train["sick"])


@step
def fit_cross_validated(table: pd.DataFrame) -> LogisticRegression:
    scores = {
        each: cross_val_score(LogisticRegression(C=each), table[COLUMNS], table["sick"]).mean() for each in (0.1, 1)
    }
    return LogisticRegression(C=max(scores, key=lambda each: scores[each])).fit(table[COLUMNS], table["sick"])


@step
def tune(table: pd.DataFrame) -> dict[str, float]:
    scores = {
        each: cross_val_score(LogisticRegression(C=each), table[COLUMNS], table["sick"]).mean() for each in (0.1, 1.5)
    }
    return {"C": max(scores, key=lambda each: scores[each]) + 0.05}


@step
def fit_tuned(table: pd.DataFrame, settings: dict[str, float]) -> LogisticRegression:
    return LogisticRegression(C=settings["C"]).fit(table[COLUMNS], table["sick"])


@step
def score(model: Any, table: pd.DataFrame) -> float:
    return float(model.score(table[COLUMNS], table["sick"]))


@step
def predicted(model: Any, table: pd.DataFrame) -> np.ndarray[Any, Any]:
    return np.asarray(model.predict_proba(table[COLUMNS])[:, 1])


@step
def learn_scale(table: pd.DataFrame) -> Scale:
    return Scale(dict(table[COLUMNS].mean()), dict(table[COLUMNS].std()))


@step
def scaled(table: pd.DataFrame, scale: Scale) -> pd.DataFrame:
    return table.assign(**{name: (table[name] - scale.middle[name]) / scale.width[name] for name in COLUMNS})


@step
def means(table: pd.DataFrame) -> dict[str, float]:
    return {name: float(table[name].mean()) for name in COLUMNS}


@step
def filled(table: pd.DataFrame, means: dict[str, float]) -> pd.DataFrame:
    return table.assign(**{name: table[name].fillna(means[name]) + 0.5 * (means[name] - 1) for name in means})


@step
def target_rates(table: pd.DataFrame) -> pd.DataFrame:
    return table.groupby("clinic", as_index=False).agg(rate=("sick", "mean"))


@step
def joined(table: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    return table.merge(other, on="clinic", how="left")


@step
def mean_age(table: pd.DataFrame) -> float:
    return float(table["age"].mean())


@step
def centred(table: pd.DataFrame, middle: float) -> pd.DataFrame:
    return table.assign(age=table["age"] - middle)


@step
def stacked(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([first, second])


@step
def learn_array(X: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.stack([X.mean(0), X.std(0)])


@step
def scale_array(X: np.ndarray[Any, Any], scale: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.asarray((X - scale[0]) / scale[1])


@step
def fit_arrays(X: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> LogisticRegression:
    return LogisticRegression().fit(X, y)


@step
def score_arrays(model: Any, X: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> float:
    return float(model.score(X, y))


@step
def polars_means(table: pl.DataFrame) -> dict[str, float]:
    return {name: float(table[name].mean()) for name in COLUMNS}  # type: ignore[arg-type]


@step
def polars_centred(table: pl.DataFrame, means: dict[str, float]) -> pl.DataFrame:
    return table.with_columns(*(pl.col(name) - value for name, value in means.items()))


@step
def polars_model(table: pl.DataFrame) -> LogisticRegression:
    return LogisticRegression().fit(table[COLUMNS].to_numpy(), table["sick"].to_numpy())


@step
def polars_score(model: Any, table: pl.DataFrame) -> float:
    return float(model.score(table[COLUMNS].to_numpy(), table["sick"].to_numpy()))


@step
def count_rows(table: pd.DataFrame) -> dict[str, int]:
    return {"rows": len(table), "sick": int(table["sick"].sum())}


@step
def described(table: pd.DataFrame) -> pd.DataFrame:
    return table[COLUMNS].describe().reset_index()


@step
def compared(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    return first.set_index("index") - second.set_index("index")


@step
def report(model: Any, scores: Any, whole: Any = None) -> str:
    return f"{type(model).__name__}: {scores}, {whole}"


@step
def sizes(parts: Parts, counts: dict[str, int]) -> str:
    return f"{len(parts.train)} + {len(parts.test)} = {counts['rows']}"


@step
def doubled_rows(table: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([table, table.iloc[:90]])


@step
def with_outcome(table: pd.DataFrame) -> pd.DataFrame:
    generator = np.random.default_rng(4)
    return table.assign(days_in_bed=table["sick"] * 10 + generator.random(len(table)))


@step
def add_features(parts: Parts) -> Parts:
    return Parts(*(part.assign(bulk=part["height"] * part["age"]) for part in parts))


@step
def add_features_to(train: pd.DataFrame, test: pd.DataFrame) -> Parts:
    scaler = StandardScaler().fit(train[COLUMNS])
    return Parts(
        train.assign(**dict(zip(COLUMNS, scaler.transform(train[COLUMNS]).T, strict=True))),
        test.assign(**dict(zip(COLUMNS, scaler.transform(test[COLUMNS]).T, strict=True))),
    )


@step
def pretrained() -> StandardScaler:
    return StandardScaler().fit(made(rows=80, seed=9)[COLUMNS])


@step
def fold(table: pd.DataFrame, number: int) -> Parts:
    chosen = np.arange(len(table)) % 3 != number
    return Parts(table[chosen], table[~chosen])


@step
def gated(table: pd.DataFrame, quality: dict[str, float]) -> pd.DataFrame:
    if quality["age"] < 0:
        raise ValueError("the ages are wrong")
    return table


@step
def sampled(table: pd.DataFrame) -> pd.DataFrame:
    return table.iloc[:40]


@step
def explained(model: Any, background: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    return (table[COLUMNS] - background[COLUMNS].mean()) * model.coef_[0]


@step
def without_outliers(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["dose"] < table["dose"].quantile(0.99)]


@step
def early(table: pd.DataFrame) -> Parts:
    return Parts(table[table["visit"] >= "2013-02-10"], table[table["visit"] < "2013-02-10"])


@step
def mixed(table: pd.DataFrame) -> Parts:
    return Parts(table.iloc[::2], table.iloc[1::2])


@step
def sorted_by_target(table: pd.DataFrame) -> Parts:
    table = table.sort_values("sick")
    return Parts(table.iloc[:200], table.iloc[200:])


@step
def columns(table: pd.DataFrame) -> Columns:
    return Columns(table[COLUMNS], table["sick"])


@step
def train_and_test(X: pd.DataFrame, y: pd.Series) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series, pd.Series]:
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    return X_train, X_test, y_train, y_test


@step
def fit_frame(X: pd.DataFrame, y: pd.Series) -> LogisticRegression:
    return LogisticRegression().fit(X, y)


@step
def fit_calibration(model: Any, table: pd.DataFrame) -> IsotonicRegression:
    return IsotonicRegression().fit(model.predict_proba(table[COLUMNS])[:, 1], table["sick"])


@step
def calibrated(calibration: IsotonicRegression, predictions: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.asarray(calibration.predict(predictions))


@step
def label_numbers(table: pd.DataFrame) -> dict[str, int]:
    return {name: place for place, name in enumerate(sorted(table["clinic"].unique()))}


@step
def numbered(table: pd.DataFrame, numbers: dict[str, int]) -> pd.DataFrame:
    return table.assign(clinic=table["clinic"].map(numbers))


@step
def publish(model: Any, accuracy: float, predictions: pd.DataFrame) -> str:
    return f"{type(model).__name__}: {accuracy}, {len(predictions)} rows"


@step
def with_prediction(table: pd.DataFrame, predictions: np.ndarray[Any, Any]) -> pd.DataFrame:
    return table.assign(prediction=predictions)


@step
def by_clinic(table: pd.DataFrame) -> pd.DataFrame:
    return table.groupby("clinic", as_index=False)["prediction"].mean()
