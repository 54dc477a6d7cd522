"""Recordings, read back by PyAV."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from live_fakes import DEADLINE, SHAPE

from seglib.live.recorder import Recorder


def test_a_recording_keeps_the_true_times(tmp_path: Path) -> None:
    path = tmp_path / "out" / "recorded.mp4"
    done: list[Recorder] = []
    recorder = Recorder(path, done.append)
    times = [0, 0.05, 0.125, 0.5, 0.501]
    for number, time in enumerate(times):
        assert recorder.write(np.full(SHAPE, 40 * number, np.uint8), 100 + time)
    assert not recorder.write(np.zeros((20, 20, 3), np.uint8), 101.0), "another size needs another file"
    recorder.finish()
    assert recorder.wait(DEADLINE)
    assert done == [recorder]
    assert (recorder.error, recorder.frames, recorder.dropped) == (None, 5, 0)
    assert recorder.seconds == pytest.approx(times[-1])
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        read = [picture.time for picture in container.decode(video=0)]
    np.testing.assert_allclose(read, times, atol=1e-4)


def test_no_frame_is_lost_where_times_are_uneven_as_under_load(tmp_path: Path) -> None:
    """In what order frames are encoded depends on what they show, so try several."""
    times = [0, 5.6357, 5.645, 7.0122, 7.6202]
    for seed in range(15):
        recorder = Recorder(tmp_path / f"{seed}.mp4")
        for time, colour in zip(times, np.random.default_rng(seed).integers(0, 256, (5, 3), np.uint8), strict=True):
            recorder.write(np.full(SHAPE, colour), time)
        recorder.finish()
        assert recorder.wait(DEADLINE)
        with av.open(str(recorder.path)) as container:
            assert len(list(container.decode(video=0))) == recorder.frames == 5


def test_a_full_disk_ends_the_recording_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("seglib.video.writer.VideoWriter.write", full)
    recorder = Recorder(tmp_path / "full.mp4")
    for number in range(20):
        recorder.write(np.zeros(SHAPE, np.uint8), float(number))
    recorder.finish()
    assert recorder.wait(DEADLINE)
    assert isinstance(recorder.error, OSError)
    assert not recorder.write(np.zeros(SHAPE, np.uint8), 99.0)
    assert list(tmp_path.iterdir()) == []
