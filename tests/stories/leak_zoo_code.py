"""More of the zoo: what only the code of a step shows, tuples without names, words and counts; leaky and sound."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import LabelEncoder, OneHotEncoder, StandardScaler

from solvent import step
from solvent.steps import split
from tests.stories import leak_zoo_steps as zoo
from tests.stories.leak_zoo import BEFORE, leak
from tests.stories.leak_zoo_sound import sound
from tests.stories.leak_zoo_steps import COLUMNS, Parts

Four = tuple[pd.DataFrame, pd.DataFrame, pd.Series, pd.Series]


@step
def four(table: pd.DataFrame) -> Four:
    X_train, X_test, y_train, y_test = train_test_split(table[COLUMNS], table["sick"], random_state=0)
    return X_train, X_test, y_train, y_test


@step
def fit_four(X: pd.DataFrame, y: pd.Series) -> Any:
    return zoo.fit_model.__wrapped__(X.assign(sick=y))


@step
def scaler_and_table(table: pd.DataFrame) -> tuple[StandardScaler, pd.DataFrame]:
    scaler = StandardScaler().fit(table[COLUMNS])
    return scaler, table.assign(**dict(zip(COLUMNS, scaler.transform(table[COLUMNS]).T, strict=True)))


@step
def scaled_inside(table: pd.DataFrame) -> pd.DataFrame:
    scaler = StandardScaler()
    made = table.copy()
    made[COLUMNS] = scaler.fit_transform(table[COLUMNS])
    return made


@step
def filled_inside(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(age=table["age"].fillna(table["age"].median()))


@step
def standardised_inside(table: pd.DataFrame) -> pd.DataFrame:
    middle = table[COLUMNS].mean()
    return table.assign(**((table[COLUMNS] - middle) / table[COLUMNS].std()))


@step
def scaled_and_halved(table: pd.DataFrame) -> Parts:
    table = table.assign(age=StandardScaler().fit_transform(table[["age"]])[:, 0])
    train, test = train_test_split(table, random_state=0)
    return Parts(train, test)


@step
def halved_and_scaled(table: pd.DataFrame) -> Parts:
    train, test = train_test_split(table, random_state=0)
    scaler = StandardScaler().fit(train[["age"]])
    return Parts(*(part.assign(age=scaler.transform(part[["age"]])[:, 0]) for part in (train, test)))


@step
def visits(table: pd.DataFrame) -> dict[str, int]:
    return {str(name): int(count) for name, count in table["clinic"].value_counts().items()}


@step
def with_visits(table: pd.DataFrame, counts: dict[str, int]) -> pd.DataFrame:
    return table.assign(visits=table["clinic"].astype(str).map(counts))


@step
def commonest(table: pd.DataFrame) -> str:
    return str(table["clinic"].mode()[0])


@step
def at_commonest(table: pd.DataFrame, clinic: str) -> pd.DataFrame:
    return table.assign(common=(table["clinic"].astype(str) == clinic).astype(int))


@step
def categories(table: pd.DataFrame) -> OneHotEncoder:
    return OneHotEncoder(handle_unknown="ignore").fit(table[["clinic"]])


@step
def encoded(encoder: OneHotEncoder, table: pd.DataFrame) -> np.ndarray[Any, Any]:
    return np.asarray(encoder.transform(table[["clinic"]]).toarray())


@step
def labels(table: pd.DataFrame) -> LabelEncoder:
    return LabelEncoder().fit(table["sick"])


@step
def fit_labelled(table: pd.DataFrame, encoder: LabelEncoder) -> Any:
    return zoo.fit_model.__wrapped__(table.assign(sick=encoder.transform(table["sick"])))


@step
def numbers(table: pd.DataFrame) -> dict[str, int]:
    return {str(name): place for place, name in enumerate(sorted(table["clinic"].unique()))}


@step
def smoothed(table: pd.DataFrame) -> pd.DataFrame:
    """The level of the days before, and the mean of each row: nothing of the rows to come."""
    before = table["dose"] - table["dose"].rolling(3, min_periods=1).mean()
    return table.assign(before=before, whole=table[COLUMNS].mean(axis=1) - 1, age=table["age"].fillna(0))


@step
def told(table: pd.DataFrame) -> pd.DataFrame:
    print(f"mean age {table['age'].mean():.1f}, {table['dose'].value_counts().size} doses")
    return table.dropna()


@leak(BEFORE)
def scaler_beside_an_unnamed_tuple() -> Any:
    table = zoo.load()
    scaler = zoo.fit_scaler(table)
    X_train, X_test, y_train, y_test = four(table)
    model = fit_four(zoo.apply_scaler(scaler, X_train), y_train)
    return zoo.predicted(model, zoo.apply_scaler(scaler, X_test)), y_test


@leak(BEFORE)
def scaler_given_with_the_scaled_table() -> Any:
    _, table = scaler_and_table(zoo.load())
    parts = split(table, key="patient", target="sick")
    return zoo.score(zoo.fit_model(parts.train), parts.test)


@leak(BEFORE)
def target_encoding_before_the_split() -> Any:
    table = zoo.load()
    parts = split(zoo.joined(table, zoo.target_rates(table)), key="patient", target="sick")
    return zoo.score(zoo.fit_model(parts.train), parts.test)


def _before(change: Any) -> Any:
    parts = split(change(zoo.load()), key="patient", target="sick")
    return zoo.score(zoo.fit_model(parts.train), parts.test)


@leak(BEFORE)
def scaled_inside_a_step() -> Any:
    return _before(scaled_inside)


@leak(BEFORE)
def filled_inside_a_step() -> Any:
    return _before(filled_inside)


@leak(BEFORE)
def standardised_inside_a_step() -> Any:
    return _before(standardised_inside)


@leak(BEFORE)
def scaled_in_the_step_that_splits() -> Any:
    parts = scaled_and_halved(zoo.load())
    return zoo.score(zoo.fit_model(parts.train), parts.test)


@leak(BEFORE)
def counts_of_all_rows() -> Any:
    table = zoo.load()
    counts = visits(table)
    parts = split(table, key="patient", target="sick")
    return zoo.score(zoo.fit_model(with_visits(parts.train, counts)), with_visits(parts.test, counts))


@leak(BEFORE)
def the_commonest_word_of_all_rows() -> Any:
    table = zoo.load()
    clinic = commonest(table)
    parts = split(table, key="patient", target="sick")
    return zoo.score(zoo.fit_model(at_commonest(parts.train, clinic)), at_commonest(parts.test, clinic))


@leak(BEFORE)
def categories_of_all_rows() -> Any:
    table = zoo.load()
    encoder = categories(table)
    parts = split(table, key="patient", target="sick")
    return encoded(encoder, parts.train), encoded(encoder, parts.test)


@sound
def scaler_on_the_train_of_an_unnamed_tuple() -> Any:
    X_train, X_test, y_train, y_test = four(zoo.load())
    scaler = zoo.fit_scaler(X_train)
    model = fit_four(zoo.apply_scaler(scaler, X_train), y_train)
    return zoo.predicted(model, zoo.apply_scaler(scaler, X_test)), y_test


@sound
def scaled_after_the_split_in_one_step() -> Any:
    parts = halved_and_scaled(zoo.load())
    return zoo.score(zoo.fit_model(parts.train), parts.test)


@sound
def classes_of_the_target() -> Any:
    table = zoo.load()
    encoder = labels(table)
    parts = split(table, key="patient", target="sick")
    return zoo.score(fit_labelled(parts.train, encoder), parts.test)


@sound
def numbers_of_categories() -> Any:
    table = zoo.load()
    found = numbers(table)
    parts = split(table, key="patient", target="sick")
    return zoo.score(zoo.fit_model(with_visits(parts.train, found)), with_visits(parts.test, found))


@sound
def windows_and_rows() -> Any:
    return _before(smoothed)


@sound
def statistics_that_are_printed() -> Any:
    return _before(told)
