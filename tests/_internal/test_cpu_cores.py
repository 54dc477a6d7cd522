"""OpenCV's threads while others share the cores."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import pytest

from seglib._internal.cpu_cores import all_cores, half_of_the_cores, shared_cores


@pytest.fixture(autouse=True)
def _usual_threads() -> Iterator[None]:
    usual = cv2.getNumThreads()
    yield
    cv2.setNumThreads(usual)


@pytest.mark.parametrize(("cores", "before", "shared"), [(6, 4, 3), (6, 1, 1), (2, 2, 1), (1, 1, 1), (0, 1, 1)])
def test_opencv_takes_half_of_the_cores_at_most(
    monkeypatch: pytest.MonkeyPatch, cores: int, before: int, shared: int
) -> None:
    monkeypatch.setattr(cv2, "getNumberOfCPUs", lambda: cores)
    assert (all_cores(), half_of_the_cores()) == (max(1, cores), max(1, cores // 2))
    cv2.setNumThreads(before)
    with shared_cores():
        assert cv2.getNumThreads() == shared
    assert cv2.getNumThreads() == before


def test_all_of_them_again_after_the_last_of_several_and_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "getNumberOfCPUs", lambda: 6)
    cv2.setNumThreads(4)
    with pytest.raises(ZeroDivisionError), shared_cores():
        with shared_cores():
            assert cv2.getNumThreads() == 3
        assert cv2.getNumThreads() == 3
        raise ZeroDivisionError
    assert cv2.getNumThreads() == 4
