"""Another time for code under test: whatever it asks tells one that is years later, and all is as before afterwards."""

import datetime
import time
from datetime import date
from datetime import datetime as now_class

import pandas as pd

from solvent.deploy.clocks import SHIFT, other_clock


def told() -> list[datetime.datetime]:
    return [
        now_class.now(),
        datetime.datetime.today(),
        now_class.now(datetime.UTC).replace(tzinfo=None),
        datetime.datetime.fromtimestamp(time.time()),
        datetime.datetime(*time.localtime()[:6]),
        datetime.datetime.combine(date.today(), datetime.time()),
        pd.Timestamp.now().to_pydatetime(),
    ]


def test_all_ways_to_ask_tell_the_later_time() -> None:
    before = told()
    with other_clock():
        later = told()
    after = told()
    slack = datetime.timedelta(days=1, minutes=5)
    assert all(abs(one - other - SHIFT) < slack for one, other in zip(later, before, strict=True))
    assert all(abs(one - other) < slack for one, other in zip(after, before, strict=True))


def test_dates_that_are_given_stay_what_they_are() -> None:
    with other_clock():
        made = [now_class(2020, 1, 2), now_class.fromisoformat("2020-01-02"), now_class.strptime("2020", "%Y")]
        assert all(type(each) is type(pd.Timestamp(0).to_pydatetime()) for each in made)
        assert isinstance(made[0], now_class)
        assert isinstance(made[0], date)
        assert not isinstance(date(2020, 1, 1), now_class)
        assert pd.to_datetime(made).year.tolist() == [2020] * 3
