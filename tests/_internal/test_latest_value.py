"""The slot for the newest value."""

import threading

from seglib._internal.latest_value import LatestValue


def test_it_keeps_one_value_and_counts_the_others() -> None:
    slot: LatestValue[str] = LatestValue()
    assert slot.take() is None
    for word in "abc":
        slot.put(word)
    assert slot.take() == "c"
    assert slot.take() is None
    assert slot.dropped == 2


def test_taking_waits_for_a_value() -> None:
    slot: LatestValue[str] = LatestValue()
    thread = threading.Thread(target=slot.put, args=("late",))
    thread.start()
    assert slot.take(timeout=60) == "late"
    thread.join()


def test_closing_ends_the_waiting_and_drops_the_value() -> None:
    slot: LatestValue[str] = LatestValue()
    taken: list[str | None] = []
    thread = threading.Thread(target=lambda: taken.append(slot.take(timeout=None)))
    thread.start()
    slot.close()
    thread.join(60)
    slot.put("too late")
    assert (taken, slot.take(), slot.closed) == ([None], None, True)


def test_values_of_many_threads_are_neither_mixed_nor_kept() -> None:
    slot: LatestValue[list[int]] = LatestValue()
    threads = [threading.Thread(target=lambda n=n: [slot.put([n, n]) for _ in range(300)]) for n in range(3)]
    for thread in threads:
        thread.start()
    seen = []
    while any(thread.is_alive() for thread in threads):
        seen.append(slot.take(0.01))
    slot.take()
    assert slot.take() is None
    assert all(pair is None or pair[0] == pair[1] for pair in seen)
