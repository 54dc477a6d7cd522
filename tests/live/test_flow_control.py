"""Flow control: how many pictures may be in flight to the page."""

import threading

import pytest
from live_fakes import DEADLINE, FakeClock

from seglib.live import FlowControl


def flow_with(*views: str, sent: int = 0) -> FlowControl:
    flow = FlowControl()
    for view in views:
        assert flow.report(view, drawn=0)
    for _ in range(sent):
        flow.sending(0.0)
    return flow


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    clock = FakeClock()
    monkeypatch.setattr("seglib.live.flow_control.time", clock)
    return clock


def test_without_a_view_there_is_no_room() -> None:
    assert not FlowControl().wait_for_room(0)


def test_two_pictures_may_be_in_flight_and_no_third() -> None:
    flow = flow_with("a")
    numbers = []
    while flow.wait_for_room(0):
        numbers.append(flow.sending(0.0))
    assert numbers == [1, 2]
    assert not flow.report("a", drawn=1), "not a new view"
    assert (flow.in_flight, flow.shown.count) == (1, 1)
    assert flow.wait_for_room(0)


def test_a_fast_page_may_allow_more_and_the_smallest_room_counts() -> None:
    flow = flow_with("a")
    flow.report("a", drawn=0, room=4)
    while flow.wait_for_room(0):
        flow.sending(0.0)
    assert flow.in_flight == 4
    flow.report("a", drawn=2, room=4)
    assert flow.wait_for_room(0, wanted=2)
    assert not flow.wait_for_room(0, wanted=3)
    flow.report("b", drawn=4, room=2)
    assert not flow.wait_for_room(0)
    flow.leave("b")
    assert flow.wait_for_room(0)


def test_the_latency_is_that_of_the_picture_that_is_reported(clock: FakeClock) -> None:
    flow = flow_with("a")
    flow.sending(clock.now - 50)
    flow.sending(clock.now - 0.02)
    clock.now += 0.01
    flow.report("a", drawn=2)
    assert flow.shown.count == 2
    assert flow.stopwatch.milliseconds()["capture to shown"] == pytest.approx(30)


def test_the_slowest_view_sets_the_pace() -> None:
    flow = flow_with("a", "b", sent=2)
    flow.report("a", drawn=2)
    assert flow.in_flight == 2
    flow.report("b", drawn=1)
    assert flow.in_flight == 1
    flow.leave("b")
    assert (flow.in_flight, flow.views) == (0, 1)


def test_a_silent_view_does_not_hold_up_the_others(clock: FakeClock) -> None:
    flow = flow_with("a", "b", sent=2)
    flow.report("a", drawn=2)
    clock.now += 4
    flow.report("a", drawn=2)
    assert not flow.wait_for_room(0)
    clock.now += 2
    assert flow.wait_for_room(0)
    assert flow.views == 1
    assert flow.report("b", drawn=0), "it counts again when it reports"
    assert flow.views == 2


def test_a_new_view_need_not_draw_what_was_sent_before_it_came() -> None:
    flow = flow_with("a", sent=1)
    flow.report("b", drawn=0)
    flow.report("b", drawn=0)  # its second report knows no more
    flow.report("a", drawn=1)
    assert flow.in_flight == 0


def test_a_lost_message_stops_the_picture_only_for_a_while(clock: FakeClock) -> None:
    flow = flow_with("a", sent=2)
    for _ in range(3):
        assert not flow.wait_for_room(0)
        clock.now += 4
        flow.report("a", drawn=0)
    assert flow.wait_for_room(0)


def test_hidden_tabs_get_few_pictures(clock: FakeClock) -> None:
    flow = flow_with("a", sent=1)
    flow.report("a", drawn=1, hidden=True)
    assert not flow.wait_for_room(0)
    clock.now += 3
    assert flow.wait_for_room(0)
    flow.sending(0.0)
    flow.report("a", drawn=2, hidden=False)
    assert flow.wait_for_room(0)


def test_waiting_for_room_ends_when_the_page_reports() -> None:
    flow = flow_with("a", sent=2)
    thread = threading.Thread(target=flow.report, args=("a", 2))
    thread.start()
    assert flow.wait_for_room(DEADLINE)
    thread.join()


def test_the_widest_view_says_how_many_pixels_are_enough() -> None:
    flow = flow_with("a")
    assert flow.width is None
    flow.report("a", 0, width=600)
    flow.report("b", 0, width=900)
    flow.report("b", 0, width=0)  # scrolled away
    assert flow.width == 900
    flow.leave("b")
    assert flow.width == 600
