"""Times and rates in bounded memory."""

import pytest
from live_fakes import FakeClock

from seglib.live.statistics import Rate, RollingStopwatch


def test_a_stopwatch_remembers_the_last_times() -> None:
    watch = RollingStopwatch()
    for number in range(5000):
        watch.add("stage", number / 1000)
    assert watch.milliseconds()["stage"] > 4800
    assert len(watch.seconds["stage"]) < 1000


def test_a_rate_counts_the_last_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    monkeypatch.setattr("seglib.live.statistics.time", clock)
    rate = Rate()
    assert rate.per_second() == 0
    for _ in range(50):
        clock.now += 0.1
        rate.tick()
    assert rate.per_second() == pytest.approx(10, rel=0.1)
    clock.now += 10
    assert rate.per_second() == 0
    assert rate.count == 50
