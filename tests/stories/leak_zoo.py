"""Leaky pipelines, as people write them, each with the kind of leak that is to be found in it."""

from __future__ import annotations

from typing import Any

from solvent import pipeline
from solvent.steps import check_leakage, evaluate, fit, fit_preprocess, predict, preprocess, split
from tests.stories import leak_zoo_steps as zoo

BEFORE, TESTED = "fitted before the split", "fitted on test rows"
LEAKY: list[tuple[str, Any]] = []


def leak(kind: str) -> Any:
    def add(body: Any) -> Any:
        made = pipeline(body)
        LEAKY.append((kind, made))
        return made

    return add


@leak(BEFORE)
def scaler_on_all_rows() -> Any:
    table = zoo.load()
    scaler = zoo.fit_scaler(table)
    parts = split(table, key="patient", target="sick")
    model = zoo.fit_model(zoo.apply_scaler(scaler, parts.train))
    return zoo.score(model, zoo.apply_scaler(scaler, parts.test))


@leak(BEFORE)
def scaler_on_all_rows_own_split() -> Any:
    table = zoo.clean(zoo.load())
    scaler = zoo.fit_scaler(table)
    parts = zoo.halve(table)
    model = zoo.fit_model(zoo.apply_scaler(scaler, parts.train))
    return zoo.score(model, zoo.apply_scaler(scaler, parts.test))


@leak(BEFORE)
def scaled_before_the_split() -> Any:
    table = zoo.load()
    parts = split(zoo.apply_scaler(zoo.fit_scaler(table), table), by="random", target="sick")
    return zoo.score(zoo.fit_model(parts.train), parts.test)


@leak(BEFORE)
def scaler_from_before_cleaning() -> Any:
    raw = zoo.load()
    parts = zoo.halve(zoo.clean(raw))
    scaler = zoo.fit_scaler(raw)
    return zoo.score(zoo.fit_model(zoo.apply_scaler(scaler, parts.train)), zoo.apply_scaler(scaler, parts.test))


@leak(BEFORE)
def scaler_of_a_tuple_split() -> Any:
    table = zoo.load()
    train, test = zoo.halve_tuple(table)
    scaler = zoo.fit_scaler(table)
    return zoo.score(zoo.fit_model(zoo.apply_scaler(scaler, train)), zoo.apply_scaler(scaler, test))


@leak(BEFORE)
def scaler_beside_indices() -> Any:
    table = zoo.load()
    chosen = zoo.indices(table)
    scaler = zoo.fit_scaler(table)
    model = zoo.fit_model(zoo.apply_scaler(scaler, zoo.rows_of(table, chosen.train)))
    return zoo.score(model, zoo.apply_scaler(scaler, zoo.rows_of(table, chosen.test)))


@leak(BEFORE)
def imputer_on_all_rows() -> Any:
    table = zoo.load()
    imputer = zoo.fit_imputer(table)
    parts = split(table, by="stratified", target="sick", key="patient")
    return zoo.apply_any(imputer, parts.train), zoo.apply_any(imputer, parts.test)


@leak(BEFORE)
def components_of_all_rows() -> Any:
    table = zoo.load()
    pca = zoo.fit_pca(table)
    parts = zoo.halve(table)
    return zoo.apply_any(pca, parts.train), zoo.apply_any(pca, parts.test)


@leak(BEFORE)
def clusters_of_all_rows() -> Any:
    table = zoo.load()
    return zoo.apply_any(zoo.fit_clusters(table), zoo.halve(table).test)


@leak(BEFORE)
def selector_on_all_rows() -> Any:
    table = zoo.load()
    parts = zoo.halve(table)
    return zoo.apply_any(zoo.fit_selector(table), parts.train)


@leak(BEFORE)
def columns_chosen_on_all_rows() -> Any:
    table = zoo.load()
    names = zoo.best_columns(table)
    parts = zoo.halve(table)
    return zoo.keep_columns(parts.train, names)


@leak(BEFORE)
def ready_made_preprocessing_on_all_rows() -> Any:
    table = zoo.load()
    fitted = fit_preprocess(table, "sick", leave_out=["patient", "clinic"])
    parts = split(table, key="patient", target="sick")
    model = fit(preprocess(fitted, parts.train), "sick", "logistic")
    return evaluate(parts.test, predict(model, preprocess(fitted, parts.test)), target="sick", resamples=0)


@leak(BEFORE)
def ready_made_preprocessing_before_the_split() -> Any:
    table = zoo.load()
    fitted = fit_preprocess(table, "sick", leave_out=["patient", "clinic"])
    parts = split(preprocess(fitted, table), target="sick")
    return zoo.score(zoo.fit_model(parts.train), parts.test)


@leak(BEFORE)
def model_on_all_rows() -> Any:
    table = zoo.load()
    parts = split(table, by="time", time="visit", target="sick")
    return zoo.score(zoo.fit_model(table), parts.test)


@leak(BEFORE)
def dataclass_of_means_and_deviations() -> Any:
    table = zoo.load()
    scale = zoo.learn_scale(table)
    parts = zoo.halve(table)
    return zoo.score(zoo.fit_model(zoo.scaled(parts.train, scale)), zoo.scaled(parts.test, scale))


@leak(BEFORE)
def dict_of_means() -> Any:
    table = zoo.load()
    found = zoo.means(table)
    parts = split(table, key="patient", target="sick")
    return zoo.score(zoo.fit_model(zoo.filled(parts.train, found)), zoo.filled(parts.test, found))


@leak(BEFORE)
def one_mean() -> Any:
    table = zoo.load()
    middle = zoo.mean_age(table)
    parts = zoo.halve(table)
    return zoo.score(zoo.fit_model(zoo.centred(parts.train, middle)), zoo.centred(parts.test, middle))


@leak(BEFORE)
def means_before_the_split() -> Any:
    table = zoo.load()
    parts = zoo.halve(zoo.filled(table, zoo.means(table)))
    return zoo.score(zoo.fit_model(parts.train), parts.test)


@leak(BEFORE)
def target_encoding_on_all_rows() -> Any:
    table = zoo.load()
    rates = zoo.target_rates(table)
    parts = zoo.halve(table)
    return zoo.score(zoo.fit_model(zoo.joined(parts.train, rates)), zoo.joined(parts.test, rates))


@leak(BEFORE)
def settings_tuned_on_all_rows() -> Any:
    table = zoo.load()
    settings = zoo.tune(table)
    parts = zoo.halve(table)
    return zoo.score(zoo.fit_tuned(parts.train, settings), parts.test)


@leak(BEFORE)
def arrays_scaled_by_all_rows() -> Any:
    matrix = zoo.load_matrix()
    scale = zoo.learn_array(matrix.X)
    parts = zoo.halve_arrays(matrix.X, matrix.y)
    model = zoo.fit_arrays(zoo.scale_array(parts.X_train, scale), parts.y_train)
    return zoo.score_arrays(model, zoo.scale_array(parts.X_test, scale), parts.y_test)


@leak(BEFORE)
def model_of_all_arrays() -> Any:
    matrix = zoo.load_matrix()
    parts = zoo.halve_arrays(matrix.X, matrix.y)
    return zoo.score_arrays(zoo.fit_arrays(matrix.X, matrix.y), parts.X_test, parts.y_test)


@leak(BEFORE)
def polars_means_of_all_rows() -> Any:
    table = zoo.load_polars()
    found = zoo.polars_means(table)
    parts = zoo.halve_polars(table)
    return zoo.polars_score(zoo.polars_model(zoo.polars_centred(parts.train, found)), parts.test)


@leak(BEFORE)
def polars_model_of_all_rows() -> Any:
    table = zoo.load_polars()
    return zoo.polars_score(zoo.polars_model(table), split(table, key="patient").test)


@leak(TESTED)
def scaler_on_the_test_part() -> Any:
    parts = split(zoo.load(), key="patient", target="sick")
    model = zoo.fit_model(zoo.apply_scaler(zoo.fit_scaler(parts.train), parts.train))
    return zoo.score(model, zoo.apply_scaler(zoo.fit_scaler(parts.test), parts.test))


@leak(TESTED)
def model_on_both_parts() -> Any:
    parts = zoo.halve(zoo.load())
    return zoo.score(zoo.fit_model(zoo.stacked(parts.train, parts.test)), parts.test)


@leak(TESTED)
def scaler_on_both_parts() -> Any:
    parts = split(zoo.load(), by="random", target="sick")
    scaler = zoo.fit_scaler(zoo.stacked(parts.train, parts.test))
    return zoo.score(zoo.fit_model(zoo.apply_scaler(scaler, parts.train)), zoo.apply_scaler(scaler, parts.test))


@leak(TESTED)
def means_of_the_test_part() -> Any:
    parts = zoo.halve(zoo.load())
    return zoo.filled(parts.test, zoo.means(parts.test))


@leak(BEFORE)
def model_of_all_rows_of_features_and_target() -> Any:
    data = zoo.columns(zoo.load())
    X_train, X_test, y_train, y_test = zoo.train_and_test(data.X, data.y)
    model = zoo.fit_frame(data.X, data.y)
    return zoo.score_arrays(model, X_test, y_test), zoo.score_arrays(model, X_train, y_train)


@leak(BEFORE)
def a_feature_by_a_model_of_all_rows() -> Any:
    table = zoo.load()
    parts = zoo.halve(zoo.with_prediction(table, zoo.predicted(zoo.fit_model(table), table)))
    return zoo.score(zoo.fit_model(parts.train), parts.test)


@leak(TESTED)
def calibrated_on_test_rows() -> Any:
    parts = zoo.halve(zoo.load())
    model = zoo.fit_model(parts.train)
    return zoo.calibrated(zoo.fit_calibration(model, parts.test), zoo.predicted(model, parts.test))


@leak("duplicates")
def rows_twice() -> Any:
    parts = split(zoo.doubled_rows(zoo.load()), by="random", target="sick")
    return zoo.score(zoo.fit_model(parts.train), parts.test)


@leak("duplicates")
def rows_twice_own_split() -> Any:
    parts = zoo.halve(zoo.doubled_rows(zoo.load()))
    return check_leakage(parts.train, parts.test, target="sick")


@leak("shared key")
def patients_on_both_sides() -> Any:
    parts = split(zoo.doubled_rows(zoo.load()), by="random", key="patient", target="sick")
    return zoo.score(zoo.fit_model(parts.train), parts.test)


@leak("shared group")
def clinics_on_both_sides() -> Any:
    parts = split(zoo.load(), key="patient", group="clinic", target="sick")
    return zoo.score(zoo.fit_model(parts.train), parts.test)


@leak("shared group")
def clinics_on_both_sides_polars() -> Any:
    parts = zoo.halve_polars(zoo.load_polars())
    return check_leakage(parts.train, parts.test, parts.validation, group="clinic")


@leak("time overlap")
def the_future_in_train() -> Any:
    parts = zoo.early(zoo.load())
    return check_leakage(parts.train, parts.test, time="visit")


@leak("time overlap")
def time_left_to_chance() -> Any:
    parts = split(zoo.load(), by="random", time="visit", target="sick")
    return zoo.score(zoo.fit_model(parts.train), parts.test)


@leak("predicts the target")
def outcome_among_the_features() -> Any:
    parts = split(zoo.with_outcome(zoo.load()), key="patient", target="sick")
    return zoo.score(zoo.fit_model(parts.train), parts.test)


@leak("target gap")
def sorted_by_the_target() -> Any:
    parts = zoo.sorted_by_target(zoo.load())
    return check_leakage(parts.train, parts.test, target="sick")
