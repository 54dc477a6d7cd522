"""Recordings, read back by PyAV."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from live_fakes import DEADLINE, SHAPE

from seglib.live.recorder import Recorder


@pytest.mark.parametrize(
    "times", [[0, 0.05, 0.125, 0.5, 0.501], [0, 5.6357, 5.6450, 7.0122, 7.6202]], ids=["usual", "under-load"]
)
def test_a_recording_keeps_every_frame_at_its_time(tmp_path: Path, times: list[float]) -> None:
    path = tmp_path / "out" / "recorded.mp4"
    done: list[Recorder] = []
    recorder = Recorder(path, done.append)
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
