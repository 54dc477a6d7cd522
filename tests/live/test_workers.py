"""Worker threads: the newest job only, its error raised in the caller; and slow models told from fast ones."""

import threading
from math import inf

import pytest
from live_fakes import DEADLINE, thread_names, wait_until

from seglib.live.workers import ModelSpeed, PacedWorker, Speed, Worker

never = threading.Event()


def test_of_the_jobs_that_wait_only_the_newest_is_done() -> None:
    worker: Worker[int] = Worker("seglib test")
    begun, go_on = threading.Event(), threading.Event()

    def first() -> int:
        begun.set()
        go_on.wait(DEADLINE)
        return 1

    worker.submit(first)
    assert begun.wait(DEADLINE)
    worker.submit(lambda: 2)
    worker.submit(lambda: 3)
    go_on.set()
    results = [worker.wait(never)]
    if results == [1]:
        results.append(worker.wait(never))
    assert results[-1] == 3
    assert worker.take() is None
    worker.join()
    assert thread_names("seglib test") == []


def test_what_a_job_raises_is_raised_in_the_caller() -> None:
    worker: Worker[float] = Worker("seglib test")
    worker.submit(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        worker.wait(never)
    with pytest.raises(ZeroDivisionError):
        worker.raise_error()


@pytest.mark.parametrize(("stopped", "timeout"), [(True, inf), (False, 0.0)])
def test_waiting_ends_when_it_is_time(stopped: bool, timeout: float) -> None:
    stop = threading.Event()
    if stopped:
        stop.set()
    assert Worker[int]("seglib test").wait(stop, timeout) is None


def test_a_paced_worker_does_every_job_one_after_the_other() -> None:
    worker: PacedWorker[int] = PacedWorker("seglib test")
    done: list[int] = []

    def job(number: int) -> int:
        done.append(number)
        return number + 1

    for number in range(5):
        worker.submit_next(lambda number=number: job(number), 0.0, never)
    worker.wait_until_idle(never)
    worker.join()
    assert done == list(range(5))
    assert worker.submitted == 5


def test_a_job_is_due_when_the_one_before_is_about_to_end() -> None:
    worker: PacedWorker[int] = PacedWorker("seglib test")
    assert worker.wait_until_due(0.0), "the first one at once"
    end = threading.Event()
    for _ in range(2):  # the first one tells that a job takes half a second
        end.clear()
        worker.submit_next(lambda: not end.wait(0.5), 0.0, never)
        wait_until(lambda: not worker.busy)
    end.clear()
    worker.submit_next(lambda: not end.wait(DEADLINE), 0.0, never)
    assert not worker.wait_until_due(0.0)
    end.set()
    assert worker.wait_until_due(DEADLINE)
    worker.join()


def test_a_model_is_slow_or_fast_as_its_last_predictions_were() -> None:
    speed, model, other = ModelSpeed(), object(), object()
    speed.add(model, 9.0)
    assert speed.of(model) is Speed.UNKNOWN, "the first prediction prepares much"
    # Between the two limits it stays as it was, so that it does not change to and fro.
    for seconds, expected in ((0.01, "fast"), (0.2, "fast"), (1.0, "slow"), (0.2, "slow"), (0.01, "fast")):
        for _ in range(5):
            speed.add(model, seconds)
        assert speed.of(model).value == expected
    assert speed.of(other) is Speed.UNKNOWN
    speed.add(other, 0.01)
    assert speed.of(other) is Speed.FAST
