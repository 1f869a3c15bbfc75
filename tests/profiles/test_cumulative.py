import pyarrow as pa
import pytest

from solvent.profiles.cumulative import cumulative
from solvent.profiles.drift import compare
from solvent.profiles.make import make_profile
from solvent.profiles.records import profile_from_json, to_json


def test_values_that_differ_by_less_than_a_record_keeps_are_one_value_when_read_back() -> None:
    close = [7.144430000000001, 7.14443, 9.0, 7.144429999999999]
    profiles = [make_profile(pa.table({"x": [*close, *more] * 10})) for more in ([1.0], [8.0])]
    read = [profile_from_json(to_json(each)) for each in profiles]
    assert compare(read[0], read[1]).column("x") is not None
    distribution = cumulative(read[0].columns[0])
    assert distribution is not None
    assert len(set(distribution.values)) == len(distribution.values) == 3
    assert distribution.share_upto(7.14443) == pytest.approx(0.8)
