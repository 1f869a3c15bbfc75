import pytest

from solvent.serving.exchange import Refusal
from solvent.serving.recording import _columns, kinds_of, open_recorder
from solvent.serving.wire import Decoded


@pytest.mark.parametrize(
    ("refusal", "kinds"),
    [
        (Refusal(413, "too large"), {"size"}),
        (Refusal(418, "a teapot"), {"418"}),
        (Refusal(422, "x", [{"problem": "missing column"}, {"problem": "missing column"}]), {"missing_column"}),
        (
            Refusal(422, "x", [{"problem": "null, and no value..."}, {"problem": 'expected a number, found "secret"'}]),
            {"missing_value", "wrong_value"},
        ),
        (Refusal(422, "x", [{"problem": 'expected one of "a", found "secret"'}]), {"unknown_category"}),
        (Refusal(422, "x", [{"problem": "secret things happened"}]), {"invalid"}),
        (Refusal(500, "x", [{"step": "fit", "type": "ValueError"}]), {"failed"}),
    ],
)
def test_refusals_are_counted_by_kinds_that_hold_nothing_of_the_request(refusal: Refusal, kinds: set[str]) -> None:
    assert set(kinds_of(refusal)) == kinds


def test_without_a_folder_nothing_is_logged_and_refusals_are_nothing() -> None:
    recorder = open_recorder("", 1.0, 512)
    recorder.refused(Refusal(422, "x"))
    assert list(recorder.families()) == []
    recorder.close()


@pytest.mark.slow
def test_a_block_of_numbers_is_logged_as_its_columns_are() -> None:
    import numpy as np
    import pandas as pd

    table = pd.DataFrame({"a": [1.0, np.nan], "b": [2.5, 3.5]})
    for value in (table, table.to_numpy()):
        decoded = Decoded(value, 2, ["a", "b"])
        assert _columns(decoded, ["a", "b"]) == decoded.columns() == {"a": [1.0, None], "b": [2.5, 3.5]}
    for one in (table["b"], table["b"].to_numpy()):
        assert _columns(Decoded(one, 2, ["b"]), ["b"]) == {"b": [2.5, 3.5]}
