"""Charts of columns: what they draw, what they say to who can't see them, and that no text becomes markup."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest

from solvent.profiles.charts import cut, histogram, quantile_strip, share_bar, small_line, sparkline
from solvent.profiles.histograms import share_bins, share_categories
from solvent.profiles.numbers import change_text, duration_text, moment_text, number_text, share_text, ticks, time_ticks
from solvent.profiles.plots import Series, confusion_matrix, curve_chart, interval_text, intervals, line_chart
from solvent.profiles.records import ColumnProfile, Curve, Interval

SVG = "{http://www.w3.org/2000/svg}"


def numbers(values: list[float], name: str = "x", **more: Any) -> ColumnProfile:
    ordered = sorted(values)
    last = len(ordered) - 1
    quantiles = tuple(
        ordered[math.floor(at / 200 * last)] * (1 - at / 200 * last % 1)
        + ordered[math.ceil(at / 200 * last)] * (at / 200 * last % 1)
        for at in range(201)
    )
    counts = tuple((value, ordered.count(value)) for value in sorted(set(ordered))) if len(set(ordered)) <= 256 else ()
    return ColumnProfile(name, "float64", "number", "number", len(values), quantiles=quantiles, values=counts, **more)


def texts(counts: dict[str, int], name: str = "x") -> ColumnProfile:
    rows = sum(counts.values())
    return ColumnProfile(name, "string", "text", "category", rows, top=tuple(counts.items()), top_rows=rows)


def read(drawing: str) -> ElementTree.Element:
    return ElementTree.fromstring(drawing.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def classes(drawing: str) -> list[str]:
    return [each.get("class", "") for each in read(drawing).iter()]


def test_a_histogram_has_each_whole_number_in_the_middle_of_its_bin() -> None:
    found = share_bins([numbers([1, 2, 2, 3, 4] * 10)])
    assert found is not None
    assert found.edges == (0.5, 1.5, 2.5, 3.5, 4.5)
    assert [round(each, 6) for each in found.shares[0]] == [0.2, 0.4, 0.2, 0.2]


def test_the_last_bin_of_whole_numbers_is_as_full_as_the_others() -> None:
    found = share_bins([numbers([float(at) for at in range(255)])], 48)
    assert found is not None
    assert min(found.shares[0]) > 0.8 * max(found.shares[0])


def test_two_columns_share_their_bins() -> None:
    found = share_bins([numbers([at / 10 for at in range(100)]), numbers([at / 10 + 5 for at in range(100)])])
    assert found is not None
    assert (found.edges[0], found.edges[-1]) == (0.0, pytest.approx(14.9))
    assert [sum(each) for each in found.shares] == pytest.approx([1.0, 1.0])


def test_values_far_out_do_not_flatten_a_histogram() -> None:
    found = share_bins([numbers([at % 50 + 0.5 for at in range(999)] + [1e6])])
    assert found is not None
    assert found.zoomed
    assert found.edges[-1] < 200
    assert sum(found.shares[0]) == pytest.approx(0.999)


def test_what_has_no_numbers_has_no_bins() -> None:
    assert share_bins([texts({"a": 1})]) is None
    assert share_bins([numbers([3.0] * 5)]) is not None


def test_categories_are_told_with_what_is_left() -> None:
    found, rest = share_categories([texts({"a": 6, "b": 3, "c": 1}), texts({"a": 5, "d": 5})], 2)
    assert [(each.value, each.shares) for each in found] == [("a", (0.6, 0.5)), ("b", (0.3, 0.0))]
    assert rest == (pytest.approx(0.1), pytest.approx(0.5))


def test_a_sparkline_draws_the_other_version_over_this_one() -> None:
    one, other = numbers([1.0, 2.0, 2.0, 3.0] * 5), numbers([2.0, 3.0, 3.0, 4.0] * 5)
    assert classes(sparkline(one)).count("then") == 0
    assert classes(sparkline(one, other)).count("then") == 1
    title = read(sparkline(one, other)).findtext(f"{SVG}title")
    assert title == (
        "x: median 2, half of the values from 1.75 to 2.25, all from 1 to 3;"
        " in the other: median 3, half of the values from 2.75 to 3.25, all from 2 to 4"
    )


def test_a_sparkline_of_categories_says_their_shares() -> None:
    title = read(sparkline(texts({"UA": 3, "B6": 1}, "carrier"))).findtext(f"{SVG}title")
    assert title == "carrier: UA 75.0 %, B6 25.0 %"


@pytest.mark.parametrize("draw", [sparkline, histogram, quantile_strip])
def test_a_column_with_nothing_to_draw_has_a_chart_that_says_so(draw: Any) -> None:
    nothing = ColumnProfile("x", "null", "other", "empty", 4, 4)
    assert read(draw(nothing)).findtext(f"{SVG}title") == "x: no values"
    assert read(draw(numbers([5.0] * 9))).tag == f"{SVG}svg"


def test_markup_in_names_and_values_stays_text() -> None:
    attack = "</title><script>alert(1)</script>\"'&"
    drawings = [
        sparkline(texts({attack: 2}, attack)),
        histogram(numbers([1.0, 2.0, 3.0] * 9, attack)),
        line_chart(
            [Series(attack, [0, 1], [1.0, 2.0]), Series("b", [0, 1], [2.0, 1.0])], attack, x_labels=[attack, "b"]
        ),
        intervals([(attack, Interval(1.0, 0.5, 2.0))], attack),
        curve_chart([(attack, Curve("roc", (0, 1), (0, 1)))], attack),
        confusion_matrix([attack, "b"], [[1, 2], [3, 4]], attack),
        small_line([1.0, 2.0], words=attack),
    ]
    for drawing in drawings:
        tags = {each.tag.removeprefix(SVG) for each in read(drawing).iter()}
        assert tags <= {"svg", "title", "path", "circle", "text", "g"}
        assert not re.search(r"\sstyle=|\son\w+=", drawing)


def test_a_line_is_broken_where_there_is_no_value() -> None:
    drawing = line_chart([Series("rows", [0, 1, 2, 3], [1.0, None, 3.0, 4.0])], "rows")
    line = next(each.get("d", "") for each in read(drawing).iter() if each.get("class") == "line c0")
    assert line.count("M") == 2
    assert read(drawing).findtext(f"{SVG}title") == "rows: rows from 1 to 4, between 1 and 4"


def test_a_band_goes_around_its_line() -> None:
    band = Series("auc", [0, 1], [0.5, 0.6], [0.4, 0.5], [0.6, 0.7])
    assert "band c0" in classes(line_chart([band], "auc"))


def test_charts_of_nothing_say_so() -> None:
    assert read(line_chart([], "rows")).findtext(f"{SVG}title") == "rows: no values"
    assert read(intervals([], "metrics")).findtext(f"{SVG}title") == "metrics: no values"
    assert read(small_line([None, None])).tag == f"{SVG}svg"


def test_intervals_and_matrices_say_their_numbers() -> None:
    chart = intervals([("auc", Interval(0.9, 0.85, 0.95)), ("f1", Interval(float("nan")))], "metrics")
    assert read(chart).findtext(f"{SVG}title") == "metrics: auc 0.9 (0.85 to 0.95); f1 NaN"
    assert interval_text(Interval(2.0)) == "2"
    matrix = confusion_matrix(["no", "yes"], [[9, 1], [2, 8]], "confusion")
    assert read(matrix).findtext(f"{SVG}title") == "confusion: of 10 no 9 as no, 1 as yes; of 10 yes 2 as no, 8 as yes"


def test_a_bar_is_as_long_as_its_share() -> None:
    assert 'd="M0 1h50v6h-50z"' in share_bar(0.5)
    assert "aria-hidden" in share_bar(0.5)
    assert share_bar(0.0).count("<path") == 0


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (336776, "336,776"),
        (-3.0, "−3"),
        (12.6391, "12.64"),
        (0.00421, "0.00421"),
        (1e-7, "1e−7"),
        (2.5e12, "2.5e12"),
        (math.nan, "NaN"),
        (-math.inf, "−∞"),
        (None, "–"),
        (0.1 + 0.2, "0.3"),
        (999.96, "1,000"),
        (1e9, "1e9"),
    ],
)
def test_numbers_are_short(value: float | None, words: str) -> None:
    assert number_text(value) == words


def test_shares_never_round_to_none_or_all() -> None:
    assert [share_text(each) for each in (0, 0.0001, 0.5, 0.9999, 1)] == [
        "0 %",
        "< 0.1 %",
        "50.0 %",
        "> 99.9 %",
        "100 %",
    ]
    assert [change_text(each) for each in (0, 3, -2.5)] == ["±0", "+3", "−2.5"]


def test_times_and_durations_are_as_exact_as_they_need_to_be() -> None:
    assert moment_text(0) == "1970-01-01"
    assert moment_text(3660) == "1970-01-01 01:01"
    assert moment_text(1e20) == "1e20"
    assert [duration_text(each) for each in (12.5, 305, -7200, 90_000)] == ["12.5 s", "5 min 5 s", "−2 h", "1 d 1 h"]


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3.2, 917), (1e-9, 2e-9), (0, 1e18), (5, 5)])
def test_ticks_are_round_few_and_inside(low: float, high: float) -> None:
    found = ticks(low, high)
    assert 1 <= len(found) <= 12
    assert all(low - 1e-9 <= each <= high + 1e-9 for each in found)


def test_ticks_of_times_fall_on_the_calendar() -> None:
    year = 31_536_000.0
    assert [words for _, words in time_ticks(0, year)][:2] == ["Jan 1970", "Apr 1970"]
    assert [words for _, words in time_ticks(0, 86_400)][:2] == ["00:00", "06:00"]
    assert time_ticks(0, 1e15) == []


def test_a_text_that_is_too_long_is_cut_and_its_breaks_are_seen() -> None:
    assert cut("a\nb\tc") == "a⏎b⇥c"
    assert cut("x" * 40, 5) == "xxxx…"


def test_a_line_of_very_many_points_is_drawn_with_few_and_keeps_its_peak() -> None:
    wave = [math.sin(at / 50) for at in range(50_000)]
    wave[31_234] = 9.0
    drawn = line_chart([Series("x", range(50_000), wave)], "long", height=190)
    line = re.search(r'class="line c0" d="([^"]+)"', drawn)
    assert line is not None
    assert len(re.findall("[ML]", line[1])) <= 1000
    heights = [float(each) for each in re.findall(r" ([\d.]+)", line[1])]
    assert min(heights) < 20 < sorted(heights)[1]
    assert "between −1 and 9" in drawn
