"""Steps side by side, in order, by as many threads as there are cores; errors and ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import cv2
import pytest

from seglib._internal.worker_threads import Line, Together

pytestmark = pytest.mark.usefixtures("nothing_is_left_running")


@pytest.fixture(params=[1, 2, 3, 8])
def cores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """So many cores."""
    count: int = request.param
    monkeypatch.setattr(cv2, "getNumberOfCPUs", lambda: count)
    return count


def counted(count: int, taken: list[int]) -> Iterator[int]:
    """0, 1, 2 …, and what has been taken of it."""
    for number in range(count):
        taken.append(number)
        yield number


class Step:
    """Adds something, tells which threads did it, and fails if two of them do at once."""

    def __init__(self, seconds: float = 0) -> None:
        self.seconds, self.seen, self.threads = seconds, list[int](), set[int]()
        self._alone = threading.Lock()

    def __call__(self, number: int) -> int:
        assert self._alone.acquire(blocking=False), "one at a time"
        self.threads.add(threading.get_ident())
        self.seen.append(number)
        time.sleep(self.seconds)
        self._alone.release()
        return number + 100


@pytest.mark.parametrize("seconds", [(0, 0, 0), (0.003, 0, 0), (0, 0.003, 0), (0, 0, 0.003)])
def test_every_item_goes_through_every_step_in_order(cores: int, seconds: tuple[float, ...]) -> None:
    steps = [Step(part) for part in seconds]
    with Line(range(30), *steps) as results:
        assert list(results) == [number + 300 for number in range(30)]
    for place, step in enumerate(steps):
        assert step.seen == [number + 100 * place for number in range(30)]
    assert len(set().union(*(step.threads for step in steps))) <= cores


def test_without_steps_it_gives_the_items(cores: int) -> None:
    with Line("abc") as results:
        assert list(results) == ["a", "b", "c"]
    with Line([], Step()) as results:
        assert list(results) == []


def test_steps_are_done_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two steps that wait for each other: in one thread they would for ever."""
    monkeypatch.setattr(cv2, "getNumberOfCPUs", lambda: 2)
    meeting = threading.Barrier(2, timeout=60)
    first = threading.Event()

    def ahead(number: int) -> int:
        if number > 0:
            meeting.wait()  # with the step behind it, which has the number before
        first.set()
        return number

    def behind(number: int) -> int:
        if number < 5:
            meeting.wait()
        return number

    with Line(range(6), ahead, behind) as results:
        assert list(results) == list(range(6))
    assert first.is_set()


def test_nobody_runs_far_ahead(cores: int) -> None:
    taken: list[int] = []
    with Line(counted(1000, taken), Step(), Step(), room=2) as results:
        for number, _ in enumerate(results):
            assert len(taken) <= number + 1 + 3 * 2 + 3, "two wait for each step, and each has one in hand"
            if number == 20:
                break


@pytest.mark.parametrize("where", [0, 1, 2])
def test_what_a_step_raises_comes_after_the_results_before_it(cores: int, where: int) -> None:
    def broken(number: int) -> int:
        if number % 100 == 7:
            raise OSError("no more")
        return number + 100

    def source() -> Iterator[int]:
        for number in range(20):
            if where == 0 and number == 7:
                raise OSError("no more")
            yield number

    steps = [broken if place == where else Step() for place in (1, 2)]
    got: list[int] = []
    with pytest.raises(OSError, match="no more"), Line(source(), *steps) as results:
        got += results
    assert got == [number + 200 for number in range(7)]
    for place, step in enumerate(steps):
        if isinstance(step, Step) and place + 1 > where:
            assert step.seen == [number + 100 * place for number in range(7)], "nothing that came after it"


def test_a_step_may_take_several_items_together(cores: int) -> None:
    groups: list[list[int]] = []

    def several(numbers: list[int]) -> list[int]:
        groups.append(numbers)
        return [number + 100 for number in numbers]

    before, after = Step(), Step(0.001)
    with Line(range(10), before, Together(several, 4), after) as results:
        assert list(results) == [number + 300 for number in range(10)]
    assert groups == [[100, 101, 102, 103], [104, 105, 106, 107], [108, 109]]
    assert after.seen == [number + 200 for number in range(10)]
    with Line([], Together(several, 4)) as results:
        assert list(results) == []
    assert len(groups) == 3, "nothing to do is not done"


def test_what_goes_wrong_among_several_comes_after_the_results_before_them(cores: int) -> None:
    def several(numbers: list[int]) -> list[int]:
        if 9 in numbers:
            raise OSError("no more")
        return [number + 100 for number in numbers]

    got: list[int] = []
    with pytest.raises(OSError, match="no more"), Line(range(20), Together(several, 4), Step()) as results:
        got += results
    assert got == [number + 200 for number in range(8)]


def test_several_that_the_source_breaks_off_are_all_done(cores: int) -> None:
    def source() -> Iterator[int]:
        yield from range(6)
        raise OSError("no more")

    got: list[int] = []
    with pytest.raises(OSError, match="no more"), Line(source(), Together(list, 4), Step()) as results:
        got += results
    assert got == [number + 100 for number in range(6)]


def test_with_several_together_nobody_runs_far_ahead_either(cores: int) -> None:
    taken: list[int] = []
    with Line(counted(1000, taken), Together(list, 4), Step()) as results:
        for number, _ in enumerate(results):
            assert len(taken) <= number + 1 + (4 + 1) + (4 + 2 + 3) + (1 + 2), "waiting and in hand"
            if number == 20:
                break


def test_an_interrupt_comes_after_what_is_on_its_way(cores: int) -> None:
    """As an error does, whoever was at work: a film keeps every frame before it."""
    count = iter(range(9))

    def interrupted(number: int) -> int:
        if next(count) == 3:
            raise KeyboardInterrupt
        return number

    later, got = Step(), list[int]()
    with pytest.raises(KeyboardInterrupt), Line(range(9), interrupted, later) as results:
        got += results
    assert got == [100, 101, 102]
    assert later.seen == [0, 1, 2], "the step that was interrupted is not done again"


def test_the_end_of_the_block_ends_it(cores: int) -> None:
    taken: list[int] = []
    step = Step(0.001)
    with pytest.raises(ZeroDivisionError), Line(counted(10_000, taken), step) as results:
        for number in results:
            1 // (number - 105)
    before = len(taken), len(step.seen)
    time.sleep(0.05)
    assert (len(taken), len(step.seen)) == before
    assert len(taken) < 100
