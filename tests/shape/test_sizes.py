from statistics import median, quantiles

from tests.shape.source import SOURCE, functions, modules


def test_no_file_has_more_than_500_lines() -> None:
    sizes = {file: len((SOURCE / file).read_text("utf-8").splitlines()) for file in modules()}
    assert {file: size for file, size in sizes.items() if size > 500} == {}


def test_half_of_the_functions_have_at_most_9_lines() -> None:
    assert median(size for _, size in functions()) <= 9


def test_95_of_100_functions_have_at_most_45_lines() -> None:
    found = functions()
    limit = quantiles([size for _, size in found], n=20)[-1] if len(found) > 20 else 0
    assert limit <= 45, sorted(found, key=lambda one: -one[1])[:10]
