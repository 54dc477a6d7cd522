"""The cameras of this machine, by name, without opening one."""

import sys
from pathlib import Path

import pytest

from seglib.capture.camera_names import camera_names


def device(folder: Path, number: int, name: str, index: int = 0) -> None:
    place = folder / f"video{number}"
    place.mkdir()
    (place / "name").write_text(f"{name}\n")
    (place / "index").write_text(f"{index}\n")


@pytest.mark.skipif(sys.platform != "linux", reason="Linux names them in files")
def test_linux_names_its_cameras(tmp_path: Path) -> None:
    device(tmp_path, 10, "Capture card")
    device(tmp_path, 0, "Integrated Camera")
    device(tmp_path, 1, "Integrated Camera", index=1)  # metadata, not pictures
    (tmp_path / "video3").mkdir()  # just unplugged
    (tmp_path / "v4l-subdev0").mkdir()
    assert list(camera_names(tmp_path).items()) == [(0, "Integrated Camera"), (10, "Capture card")]
    assert camera_names(tmp_path / "absent") == {}


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_elsewhere_they_have_numbers(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert camera_names() == {0: "", 1: ""}
