"""Sound pipelines, many of which look leaky to a careless eye: in none of them is a leak to be found."""

from __future__ import annotations

from typing import Any

from solvent import pipeline
from solvent.steps import check_leakage, evaluate, fit, fit_preprocess, predict, preprocess, split
from tests.stories import leak_zoo_steps as zoo

SOUND: list[Any] = []


def sound(body: Any) -> Any:
    made = pipeline(body)
    SOUND.append(made)
    return made


@sound
def scaler_on_train() -> Any:
    parts = split(zoo.load(), key="patient", target="sick")
    scaler = zoo.fit_scaler(parts.train)
    model = zoo.fit_model(zoo.apply_scaler(scaler, parts.train))
    return zoo.score(model, zoo.apply_scaler(scaler, parts.test))


@sound
def scaler_on_train_own_split() -> Any:
    parts = zoo.halve(zoo.clean(zoo.load()))
    scaler = zoo.fit_scaler(parts.train)
    return zoo.score(zoo.fit_model(zoo.apply_scaler(scaler, parts.train)), zoo.apply_scaler(scaler, parts.test))


@sound
def scaler_on_train_tuple() -> Any:
    train, test = zoo.halve_tuple(zoo.load())
    scaler = zoo.fit_scaler(train)
    return zoo.score(zoo.fit_model(zoo.apply_scaler(scaler, train)), zoo.apply_scaler(scaler, test))


@sound
def scaler_on_indexed_rows() -> Any:
    table = zoo.load()
    chosen = zoo.indices(table)
    train, test = zoo.rows_of(table, chosen.train), zoo.rows_of(table, chosen.test)
    scaler = zoo.fit_scaler(train)
    return zoo.score(zoo.fit_model(zoo.apply_scaler(scaler, train)), zoo.apply_scaler(scaler, test))


@sound
def ready_made_steps() -> Any:
    parts = split(zoo.load(), by="stratified", key="patient", target="sick", validation=0.1)
    fitted = fit_preprocess(parts.train, "sick", leave_out=["patient", "clinic"])
    model = fit(preprocess(fitted, parts.train), "sick", "logistic")
    return evaluate(parts.test, predict(model, preprocess(fitted, parts.test)), target="sick", resamples=0)


@sound
def cleaned_before_the_split() -> Any:
    parts = split(zoo.without_outliers(zoo.clean(zoo.load())), key="patient", target="sick")
    return zoo.score(zoo.fit_model(parts.train), parts.test)


@sound
def counted_and_reported() -> Any:
    table = zoo.load()
    parts = zoo.halve(table)
    model = zoo.fit_model(parts.train)
    return zoo.sizes(parts, zoo.count_rows(table)), zoo.report(model, zoo.score(model, parts.test), zoo.means(table))


@sound
def described_and_compared() -> Any:
    table = zoo.load()
    parts = zoo.halve(table)
    return zoo.compared(zoo.described(table), zoo.described(parts.train)), zoo.score(
        zoo.fit_model(parts.train), parts.test
    )


@sound
def model_from_elsewhere() -> Any:
    scaler = zoo.pretrained()
    parts = split(zoo.load(), key="patient", target="sick")
    model = zoo.fit_model(zoo.apply_scaler(scaler, parts.train))
    return zoo.score(model, zoo.apply_scaler(scaler, parts.test))


@sound
def model_from_elsewhere_before_the_split() -> Any:
    parts = split(zoo.apply_scaler(zoo.pretrained(), zoo.load()), key="patient", target="sick")
    return zoo.score(zoo.fit_model(parts.train), parts.test)


@sound
def scaler_of_other_data() -> Any:
    scaler = zoo.fit_scaler(zoo.load(seed=8))
    parts = zoo.halve(zoo.apply_scaler(scaler, zoo.load()))
    return zoo.score(zoo.fit_model(parts.train), parts.test)


@sound
def final_model_on_all_rows() -> Any:
    table = zoo.load()
    parts = split(table, key="patient", target="sick")
    scored = zoo.score(zoo.fit_model(parts.train), parts.test)
    return zoo.report(zoo.fit_model(table), scored)


@sound
def final_model_on_both_parts() -> Any:
    parts = zoo.halve(zoo.load())
    scored = zoo.score(zoo.fit_model(parts.train), parts.test)
    return zoo.report(zoo.fit_model(zoo.stacked(parts.train, parts.test)), scored)


@sound
def final_model_predicts_new_rows() -> Any:
    table = zoo.load()
    parts = zoo.halve(table)
    scaler = zoo.fit_scaler(parts.train)
    scored = zoo.score(zoo.fit_model(zoo.apply_scaler(scaler, parts.train)), zoo.apply_scaler(scaler, parts.test))
    final_scaler = zoo.fit_scaler(table)
    final = zoo.fit_model(zoo.apply_scaler(final_scaler, table))
    return scored, zoo.predicted(final, zoo.apply_scaler(final_scaler, zoo.load(seed=7)))


@sound
def early_stopping_on_validation() -> Any:
    parts = split(zoo.load(), key="patient", target="sick", validation=0.2)
    model = zoo.fit_early(parts.train, parts.validation)
    return zoo.score(model, parts.validation), zoo.score(model, parts.test)


@sound
def refit_on_train_and_validation() -> Any:
    parts = split(zoo.load(), key="patient", target="sick", validation=0.2)
    return zoo.score(zoo.fit_model(zoo.stacked(parts.train, parts.validation)), parts.test)


@sound
def fitted_and_scored_in_one_step() -> Any:
    parts = zoo.halve(zoo.load())
    fitted = zoo.fit_and_score(parts.train, parts.test)
    return fitted.accuracy, zoo.predicted(fitted.model, parts.test)


@sound
def parts_as_a_whole() -> Any:
    parts = zoo.halve(zoo.load())
    return zoo.score(zoo.fit_on_parts(parts), parts.test)


@sound
def cross_validation_on_train() -> Any:
    parts = split(zoo.load(), key="patient", target="sick")
    return zoo.score(zoo.fit_cross_validated(parts.train), parts.test)


@sound
def settings_tuned_on_train() -> Any:
    parts = zoo.halve(zoo.load())
    return zoo.score(zoo.fit_tuned(parts.train, zoo.tune(parts.train)), parts.test)


@sound
def folds() -> Any:
    table = zoo.load()
    scores = []
    for number in range(3):
        parts = zoo.fold(table, number)
        scaler = zoo.fit_scaler(parts.train)
        model = zoo.fit_model(zoo.apply_scaler(scaler, parts.train))
        scores.append(zoo.score(model, zoo.apply_scaler(scaler, parts.test)))
    return zoo.report(zoo.fit_model(table), scores)


@sound
def nested_split() -> Any:
    outer = split(zoo.load(), key="patient", target="sick")
    scaler = zoo.fit_scaler(outer.train)
    inner = split(zoo.apply_scaler(scaler, outer.train), key="patient", target="sick", salt="inner")
    model = zoo.fit_early(inner.train, inner.test)
    return zoo.score(model, zoo.apply_scaler(scaler, outer.test))


@sound
def features_added_to_both_parts() -> Any:
    parts = zoo.add_features(zoo.halve(zoo.load()))
    return zoo.score(zoo.fit_model(parts.train), parts.test)


@sound
def both_parts_scaled_in_one_step() -> Any:
    halves = zoo.halve(zoo.load())
    parts = zoo.add_features_to(halves.train, halves.test)
    return zoo.score(zoo.fit_model(parts.train), parts.test)


@sound
def table_joined_before_and_after() -> Any:
    clinics = zoo.load_clinics()
    parts = zoo.halve(zoo.joined(zoo.load(), clinics))
    return zoo.score(zoo.fit_model(parts.train), parts.test)


@sound
def table_joined_to_the_parts() -> Any:
    clinics = zoo.load_clinics()
    parts = zoo.halve(zoo.load())
    return zoo.score(zoo.fit_model(zoo.joined(parts.train, clinics)), zoo.joined(parts.test, clinics))


@sound
def target_encoding_on_train() -> Any:
    parts = split(zoo.load(), key="patient", target="sick")
    rates = zoo.target_rates(parts.train)
    return zoo.score(zoo.fit_model(zoo.joined(parts.train, rates)), zoo.joined(parts.test, rates))


@sound
def columns_by_their_type() -> Any:
    table = zoo.load()
    parts = zoo.halve(table)
    names = zoo.number_columns(table)
    return zoo.score(zoo.fit_model(zoo.keep_columns(parts.train, names)), zoo.keep_columns(parts.test, names))


@sound
def gate_on_the_quality_of_all_rows() -> Any:
    table = zoo.load()
    parts = zoo.halve(zoo.gated(table, zoo.means(table)))
    return zoo.score(zoo.fit_model(parts.train), parts.test)


@sound
def explained_by_a_sample_of_all_rows() -> Any:
    table = zoo.load()
    parts = zoo.halve(table)
    model = zoo.fit_model(parts.train)
    return zoo.explained(model, zoo.sampled(table), parts.test)


@sound
def arrays_scaled_by_train() -> Any:
    matrix = zoo.load_matrix()
    parts = zoo.halve_arrays(matrix.X, matrix.y)
    scale = zoo.learn_array(parts.X_train)
    model = zoo.fit_arrays(zoo.scale_array(parts.X_train, scale), parts.y_train)
    return zoo.score_arrays(model, zoo.scale_array(parts.X_test, scale), parts.y_test)


@sound
def array_of_rows() -> Any:
    parts = split(zoo.load_matrix().X, by="random")
    return zoo.scale_array(parts.test, zoo.learn_array(parts.train))


@sound
def polars_means_of_train() -> Any:
    parts = zoo.halve_polars(zoo.load_polars())
    found = zoo.polars_means(parts.train)
    model = zoo.polars_model(zoo.polars_centred(parts.train, found))
    return zoo.polars_score(model, zoo.polars_centred(parts.validation, found))


@sound
def checked_and_found_sound() -> Any:
    parts = split(zoo.load(), by="time", time="visit", target="sick")
    return check_leakage(parts.train, parts.test, target="sick", key="patient", time="visit")


@sound
def groups_kept_together() -> Any:
    parts = split(zoo.load(), by="group", group="clinic")
    return zoo.score(zoo.fit_model(parts.train), parts.test)


@sound
def features_and_target_of_scikit_learn() -> Any:
    data = zoo.columns(zoo.load())
    X_train, X_test, y_train, y_test = zoo.train_and_test(data.X, data.y)
    return zoo.score_arrays(zoo.fit_frame(X_train, y_train), X_test, y_test)


@sound
def calibrated_on_validation() -> Any:
    parts = split(zoo.load(), key="patient", target="sick", validation=0.3)
    model = zoo.fit_model(parts.train)
    calibration = zoo.fit_calibration(model, parts.validation)
    return zoo.calibrated(calibration, zoo.predicted(model, parts.test))


@sound
def numbers_for_labels() -> Any:
    table = zoo.load()
    parts = zoo.halve(table)
    numbers = zoo.label_numbers(table)
    return zoo.numbered(parts.train, numbers), zoo.numbered(parts.test, numbers)


@sound
def published_with_predictions_by_clinic() -> Any:
    table = zoo.load()
    parts = zoo.halve(table)
    model = zoo.fit_model(parts.train)
    predictions = zoo.with_prediction(parts.test, zoo.predicted(model, parts.test))
    return zoo.publish(zoo.fit_model(table), zoo.score(model, parts.test), zoo.by_clinic(predictions))
