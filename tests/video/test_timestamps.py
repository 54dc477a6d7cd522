"""IncreasingTimestamps: what becomes of timestamps that are missing or go back."""

from __future__ import annotations

from fractions import Fraction

import pytest

from seglib.video.timestamps import IncreasingTimestamps

MISSING = None


@pytest.mark.parametrize(
    ("start", "given", "expected"),
    [
        (0, [0, 40, 80, 200], [0, 40, 80, 200]),
        (100, [100, 140, 180], [0, 40, 80]),
        (0, [30, MISSING, MISSING, 200], [30, 70, 110, 200]),
        (0, [MISSING, MISSING, 80], [0, 40, 80]),
        (0, [0, 40, 30, 80], [0, 40, 41, 80]),  # a little back
        (0, [5000, 5040, 0, 40], [5000, 5040, 5080, 5120]),  # a second recording
    ],
)
def test_times_increase(start: int, given: list[int | None], expected: list[int]) -> None:
    timestamps = IncreasingTimestamps(40, Fraction(start), Fraction(1, 1000))
    assert [timestamps.correct(time, 0) for time in given] == [(time, 40) for time in expected]


def test_a_frame_without_a_time_follows_when_the_one_before_ends() -> None:
    timestamps = IncreasingTimestamps(40, Fraction(0), Fraction(1, 1000))
    assert [timestamps.correct(*pair) for pair in [(0, 500), (None, 0)]] == [(0, 500), (500, 40)]


def test_two_of_them_are_a_millisecond_apart_in_any_time_base() -> None:
    timestamps = IncreasingTimestamps(40, Fraction(0), Fraction(1, 90_000))
    assert [timestamps.correct(time, 0)[0] for time in (0, 0, 1)] == [0, 90, 180]
