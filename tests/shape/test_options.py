import inspect

import solvent


def options(decorator: object) -> list[str]:
    """Names of the keyword options of a decorator; the function that it decorates is not one."""
    parameters = inspect.signature(decorator).parameters.values()  # type: ignore[arg-type]
    return [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]


def test_step_has_at_most_8_options() -> None:
    assert 1 <= len(options(solvent.step)) <= 8


def test_pipeline_has_at_most_8_options() -> None:
    assert len(options(solvent.pipeline)) <= 8
