"""Fitted estimators of scikit-learn and LightGBM as live steps: those that only predict and transform are sound."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd


def fitted_steps(train: pd.DataFrame, label: np.ndarray) -> dict[str, Callable[[pd.DataFrame], Any]]:
    """Fit what people serve; each step gives the rows of a table their transform or their prediction."""
    from sklearn.cluster import KMeans
    from sklearn.compose import ColumnTransformer
    from sklearn.decomposition import PCA
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, QuantileTransformer, StandardScaler
    from sklearn.svm import SVC

    names, numbers = ["fare", "count"], train[["fare", "count"]].to_numpy(dtype=float)
    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["fare", "count", "age"]),
            ("city", OneHotEncoder(handle_unknown="ignore"), ["city"]),
        ]
    ).fit(train)
    pipe = make_pipeline(columns, LogisticRegression()).fit(train, label)
    models = [
        each.fit(numbers, label)
        for each in (
            KNeighborsClassifier(3),
            GaussianNB(),
            SVC(gamma=0.01),
            RandomForestClassifier(5, random_state=0),
            HistGradientBoostingClassifier(max_iter=5),
            MLPClassifier((4,), max_iter=20, random_state=0),
        )
    ]
    steps: dict[str, Callable[[pd.DataFrame], Any]] = {
        f"{type(each).__name__}.predict": (lambda table, each=each: each.predict(_numbers(table))) for each in models
    }
    scaler, pca, kmeans = StandardScaler().fit(numbers), PCA(1).fit(numbers), KMeans(2, n_init=1).fit(numbers)
    quantiles = QuantileTransformer(n_quantiles=20).fit(numbers)
    hot, codes = OneHotEncoder(handle_unknown="ignore").fit(train[["city"]]), OrdinalEncoder().fit(train[["city"]])
    text = TfidfVectorizer().fit(train["city"])
    forest, knn = models[3], models[0]
    return steps | {
        "StandardScaler.transform": lambda table: scaler.transform(_numbers(table)),
        "QuantileTransformer.transform": lambda table: quantiles.transform(_numbers(table)),
        "PCA.transform": lambda table: pca.transform(_numbers(table)),
        "KMeans.predict": lambda table: kmeans.predict(_numbers(table)),
        "OneHotEncoder.transform, sparse": lambda table: hot.transform(table[["city"]]),
        "OrdinalEncoder.transform": lambda table: codes.transform(table[["city"]]),
        "TfidfVectorizer.transform, sparse": lambda table: text.transform(table["city"]),
        "ColumnTransformer.transform": columns.transform,
        "Pipeline.predict_proba": pipe.predict_proba,
        "Pipeline.predict, a series": lambda table: pd.Series(pipe.predict(table), name="late"),
        "mean of two models": lambda table: (
            (forest.predict_proba(_numbers(table)) + knn.predict_proba(_numbers(table))) / 2
        ),
        **_boosted(numbers, label, names),
    }


def refitted(train: pd.DataFrame) -> Callable[[pd.DataFrame], Any]:
    """Give a step that fits its frozen scaler anew on every request."""
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(_numbers(train))
    return lambda table: scaler.fit_transform(_numbers(table))


def _numbers(table: pd.DataFrame) -> np.ndarray:
    return table[["fare", "count"]].to_numpy(dtype=float)


def _boosted(numbers: np.ndarray, label: np.ndarray, names: list[str]) -> dict[str, Callable[[pd.DataFrame], Any]]:
    import lightgbm

    data = lightgbm.Dataset(numbers, label, feature_name=names)
    booster = lightgbm.train({"objective": "binary", "verbose": -1, "num_threads": 1}, data, 5)
    return {"lightgbm.Booster.predict": lambda table: booster.predict(_numbers(table))}
