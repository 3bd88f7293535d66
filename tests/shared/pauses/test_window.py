"""The window of a pause on days of 23, 24 and 25 hours."""

from datetime import UTC, datetime

import pytest

from shared.pauses.window import DayWindow


def moment(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("window", "now", "starts", "stops"),
    [
        ("01:00-07:00", "2026-07-01T05:00", "2026-07-01T23:00", "2026-07-02T05:00"),  # it has just ended
        ("01:00-07:00", "2026-07-01T04:59", "2026-06-30T23:00", "2026-07-01T05:00"),
        ("22:00-06:00", "2026-07-01T01:00", "2026-06-30T20:00", "2026-07-01T04:00"),
        ("22:00-06:00", "2026-07-01T19:59", "2026-07-01T20:00", "2026-07-02T04:00"),
        # Clocks go from 02:00 to 03:00.
        ("01:00-07:00", "2026-03-28T23:59", "2026-03-29T00:00", "2026-03-29T05:00"),
        ("02:30-07:00", "2026-03-29T00:00", "2026-03-29T01:00", "2026-03-29T05:00"),
        ("01:00-02:30", "2026-03-29T00:00", "2026-03-29T00:00", "2026-03-29T01:00"),
        ("02:10-02:50", "2026-03-28T12:00", "2026-03-30T00:10", "2026-03-30T00:50"),  # not on that day
        # Clocks go from 03:00 to 02:00.
        ("01:00-07:00", "2026-10-25T00:00", "2026-10-24T23:00", "2026-10-25T06:00"),
        ("02:30-07:00", "2026-10-25T00:00", "2026-10-25T00:30", "2026-10-25T06:00"),
        ("01:00-02:30", "2026-10-25T00:00", "2026-10-24T23:00", "2026-10-25T01:30"),
    ],
)
def test_a_window_is_of_the_clock_on_the_wall(window: str, now: str, starts: str, stops: str) -> None:
    found = DayWindow.parse(window, "Europe/Berlin").next_time(moment(now))
    assert found == (moment(starts), moment(stops))


def test_a_day_that_a_country_left_out_is_passed_over() -> None:
    window = DayWindow.parse("10:00-11:00", "Pacific/Apia")  # it had no 30 December 2011
    found = window.next_time(moment("2011-12-29T21:00"))
    assert found == (moment("2011-12-30T20:00"), moment("2011-12-30T21:00"))


@pytest.mark.parametrize(
    ("window", "zone", "named"),
    [
        ("01:00-01:00", "UTC", "different times"),
        ("24:00-01:00", "UTC", "two times of the day"),
        ("1:00-2:00", "UTC", "two times of the day"),
        ("01:00-02:00\n", "UTC", "two times of the day"),
        ("01:00-02:00", "Mars/Base", "IANA name"),
        ("01:00-02:00", "../../etc/passwd", "IANA name"),
        ("01:00-02:00", "America", "IANA name"),
    ],
)
def test_what_is_no_window_is_refused(window: str, zone: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        DayWindow.parse(window, zone)
