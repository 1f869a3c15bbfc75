import subprocess
import sys

import pytest

import solvent


def test_the_public_words_are_sorted() -> None:
    assert solvent.__all__ == sorted(solvent.__all__)
    assert {*solvent.__all__} < {*dir(solvent)}


def test_every_public_word_loads() -> None:
    for word in solvent.__all__:
        assert callable(getattr(solvent, word))


def test_an_unknown_word_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'stpe'"):
        solvent.stpe  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize("word", ["plan", "runs"])
def test_a_word_stays_a_function_though_a_folder_has_its_name(word: str) -> None:
    code = f"import solvent.{word}, solvent, types\nassert isinstance(solvent.{word}, types.FunctionType)"
    subprocess.run([sys.executable, "-c", code], check=True)
