"""Prefetch: order, errors, back pressure and ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from seglib._internal.worker_threads import Prefetch

pytestmark = pytest.mark.usefixtures("nothing_is_left_running")


def counted(count: int, taken: list[int]) -> Iterator[int]:
    for number in range(count):
        taken.append(number)
        yield number


@pytest.mark.parametrize("size", [1, 2, 100])
@pytest.mark.parametrize("count", [0, 1, 30])
def test_items_come_in_order_through_several_threads(size: int, count: int) -> None:
    with Prefetch(range(count), size) as first, Prefetch((item + 1 for item in first), size) as second:
        assert list(second) == list(range(1, count + 1))


def test_two_stages_run_at_the_same_time() -> None:
    """They wait for each other, which they could not do in one thread."""
    meeting = threading.Barrier(2, timeout=30)

    def source() -> Iterator[int]:
        yield 0
        meeting.wait()
        yield 1

    with Prefetch(source()) as items:
        iterator = iter(items)
        assert next(iterator) == 0
        meeting.wait()
        assert next(iterator) == 1


@pytest.mark.parametrize("size", [1, 4])
def test_the_source_is_not_read_far_ahead(size: int) -> None:
    taken: list[int] = []
    with Prefetch(counted(1000, taken), size) as items:
        for number in items:
            assert len(taken) <= number + size + 2, "those that wait, one in each thread's hand"
            if number == 50:
                break
    assert len(taken) < 60, "and the end of the block stops it"


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_an_error_comes_after_the_items_before_it(error: type[BaseException]) -> None:
    def source() -> Iterator[int]:
        yield from range(7)
        raise error("no more")

    got: list[int] = []
    with (
        pytest.raises(error, match="no more"),
        Prefetch(source()) as items,
        Prefetch((item * 2 for item in items), 1) as doubled,
    ):
        got += doubled
    assert got == [0, 2, 4, 6, 8, 10, 12]


@pytest.mark.parametrize("size", [1, 3])
def test_an_error_in_the_block_ends_all_threads(size: int) -> None:
    taken: list[int] = []
    with (
        pytest.raises(ZeroDivisionError),
        Prefetch(counted(10_000, taken), size) as items,
        Prefetch(iter(items), size) as passed,
    ):
        for number in passed:
            1 // (number - 20)
    assert len(taken) < 60
