"""A video's metadata are applied the same way, whoever reads it: rotation, mirroring, pixel aspect, HDR, and so on."""

import struct
import warnings
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import Colorspace
from films import make_film
from numpy.typing import NDArray
from PIL import Image

from seglib import SourceError, open_source

Turn = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def quarters(number: int = 0, height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    """Four corners of four colours."""
    frame = np.zeros((height, width, 3), np.uint8)
    frame[: height // 2, : width // 2] = (220, 30, 30)
    frame[: height // 2, width // 2 :] = (30, 200, 40)
    frame[height // 2 :, : width // 2] = (20, 40, 210)
    return frame


def read(path: Path, match: str = "") -> list[NDArray[np.uint8]]:
    """All frames. match: what the one warning says; without it there is none."""
    with warnings.catch_warnings(record=True) as caught, open_source(path) as frames:
        warnings.simplefilter("always")
        found = list(frames)
    messages = [str(warning.message) for warning in caught]
    assert len(messages) == bool(match)
    for message in messages:
        assert str(path) in message
        assert match in message
    return found


def set_display_matrix(path: Path, matrix: tuple[float, float, float, float]) -> None:
    """Write [[a, b], [c, d]] into the track header of an MP4 file (ISO 14496-12)."""
    content = bytearray(path.read_bytes())
    header = content.find(b"tkhd")  # version 0 has its 3 × 3 matrix 44 bytes behind its name
    a, b, c, d = (round(number * 65536) for number in matrix)
    struct.pack_into(">9i", content, header + 44, a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("matrix", "turn"),
    [
        ((1, 0, 0, 1), lambda frame: frame),
        ((0, 1, -1, 0), lambda frame: np.rot90(frame, -1)),
        ((-1, 0, 0, -1), lambda frame: np.rot90(frame, 2)),
        ((0, -1, 1, 0), lambda frame: np.rot90(frame)),
        ((-1, 0, 0, 1), np.fliplr),
        ((1, 0, 0, -1), np.flipud),
        ((0, 1, 1, 0), lambda frame: frame.transpose(1, 0, 2)),
        ((0, -1, -1, 0), lambda frame: np.rot90(frame.transpose(1, 0, 2), 2)),
    ],
)
def test_all_eight_orientations(tmp_path: Path, matrix: tuple[float, ...], turn: Turn) -> None:
    path = make_film(tmp_path / "phone.mp4", 2, draw=quarters)
    set_display_matrix(path, matrix)
    for frame in read(path):
        expected = turn(quarters())
        assert frame.shape == expected.shape
        assert np.abs(frame.astype(int) - expected).mean() < 5
        assert frame.flags.c_contiguous


def test_a_screen_recording_in_png_is_turned_though_its_side_data_cannot_be_read(tmp_path: Path) -> None:
    path = make_film(tmp_path / "screen.mov", 2, draw=quarters, codec="png", pixels="rgb24")
    set_display_matrix(path, (0, 1, -1, 0))
    for frame in read(path):
        np.testing.assert_array_equal(frame, np.rot90(quarters(), -1))


def test_an_odd_angle_is_told(tmp_path: Path) -> None:
    path = make_film(tmp_path / "phone.mp4", 2, draw=quarters)
    set_display_matrix(path, (0.87, 0.5, -0.5, 0.87))
    frame, _ = read(path, "90°")
    assert np.abs(frame.astype(int) - quarters()).mean() < 5


@pytest.mark.parametrize(("aspect", "width"), [(Fraction(4, 3), 86), (Fraction(1, 2), 32), (Fraction(200), 64)])
def test_pixels_become_square_unless_the_aspect_is_absurd(tmp_path: Path, aspect: Fraction, width: int) -> None:
    [frame] = read(make_film(tmp_path / "dv.mkv", 1, draw=quarters, shape=aspect))
    expected = np.asarray(Image.fromarray(quarters()).resize((width, 48), Image.Resampling.BILINEAR))
    assert frame.shape == expected.shape
    assert np.abs(frame.astype(int) - expected).mean() < 5


def test_pixels_become_square_before_the_frame_is_turned(tmp_path: Path) -> None:
    path = make_film(tmp_path / "dv.mp4", 1, draw=quarters, shape=Fraction(2))
    set_display_matrix(path, (0, 1, -1, 0))
    assert read(path)[0].shape == (128, 48, 3)


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_hdr_is_tone_mapped_and_told_once(tmp_path: Path, transfer: int, name: str) -> None:
    marks = {"colorspace": 9, "color_primaries": 9, "color_trc": transfer, "color_range": 1}
    levels = np.linspace(0, 255, 64).astype(np.uint8)

    def ramp(_: int) -> NDArray[np.uint8]:
        return np.broadcast_to(levels[None, :, None], (48, 64, 3)).copy()

    frames = read(make_film(tmp_path / "phone.mkv", 3, draw=ramp, pixels="yuv420p10le", marks=marks), name)
    grey = frames[-1][24, :, 1].astype(int)
    assert len(frames) == 3
    assert (np.diff(grey) >= -2).all()
    assert grey[32] == pytest.approx({16: 154, 18: 124}[transfer], abs=5)  # half the code, see test_tone_mapping


@pytest.mark.parametrize(
    ("primaries", "coded"),  # by FFmpeg's zscale
    [
        (9, [(155, 100, 84), (125, 165, 105), (93, 96, 174)]),
        (12, [(169, 95, 84), (111, 168, 103), (83, 95, 175)]),
    ],
)
@pytest.mark.parametrize("pixels", ["yuv420p", "bgr24"])
def test_a_wide_gamut_becomes_bt709(
    tmp_path: Path, primaries: int, coded: list[tuple[int, int, int]], pixels: str
) -> None:
    def draw(_: int) -> NDArray[np.uint8]:
        return np.repeat(np.array([coded], np.uint8), 16, axis=1).repeat(48, axis=0)

    is_rgb = pixels == "bgr24"
    marks = {"colorspace": 0 if is_rgb else 1, "color_primaries": primaries, "color_trc": 1, "color_range": 1}
    codec, matrix = "libx264rgb" if is_rgb else "libx264", Colorspace.ITU709
    path = make_film(tmp_path / "in.mkv", 2, draw=draw, codec=codec, pixels=pixels, marks=marks, matrix=matrix)
    expected = np.array([(180, 90, 80), (90, 170, 95), (80, 95, 180)])
    assert np.abs(read(path)[-1][24, 8::16] - expected).max() <= 5


def test_dolby_vision_without_an_ordinary_base_is_refused_by_name(tmp_path: Path) -> None:
    path = make_film(tmp_path / "in.mp4", 1, draw=quarters)
    path.write_bytes(path.read_bytes().replace(b"avc1", b"dva1"))
    with pytest.raises(SourceError, match="Dolby Vision"):
        open_source(path)


def test_colours_that_cannot_be_converted_are_refused_with_the_path(tmp_path: Path) -> None:
    path = make_film(tmp_path / "in.mp4", 1, draw=quarters, marks={"colorspace": 14})
    with pytest.raises(SourceError, match=r"14") as caught:
        read(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [("a.mov", "qtrle", "argb"), ("a.mov", "prores_ks", "yuva444p10le"), ("a.webm", "libvpx-vp9", "yuva420p")],
)
def test_transparent_parts_are_laid_over_white(tmp_path: Path, name: str, codec: str, pixels: str) -> None:
    rgba = np.dstack([quarters(), np.full((48, 64), 255, np.uint8)])
    rgba[:, 32:, 3] = 51
    with av.open(str(tmp_path / name), "w") as container:
        stream = container.add_stream(codec, rate=30, options={"profile": "4444"} if "prores" in codec else {})
        stream.height, stream.width, stream.pix_fmt = 48, 64, pixels
        for _ in range(2):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgba, format="rgba").reformat(format=pixels)))
        container.mux(stream.encode())
    _, frame = read(tmp_path / name, "transparent")
    expected = quarters() * (rgba[..., 3:] / 255) + 255 - rgba[..., 3:]
    assert np.abs(frame[::44, ::60] - expected[::44, ::60]).max() < 12


def test_a_pixel_aspect_that_changes_is_followed(tmp_path: Path) -> None:
    """As television does between a film and what comes before it: the size stays, the shape of a pixel changes."""
    parts = [make_film(tmp_path / f"{n}.ts", 6, 25, quarters, codec="mpeg2video", shape=Fraction(n)) for n in (1, 2)]
    path = tmp_path / "programme.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    frames = read(path, "changes its size")
    assert {frame.shape for frame in frames} == {frames[0].shape}
    assert frames[0][0].any()
    assert not frames[-1][0].any(), "a wide picture within a narrow one has bars above and below"


@pytest.mark.parametrize(("height", "inner"), [(96, np.s_[:, :]), (192, np.s_[:, 16:48])])
def test_a_size_that_changes_is_scaled_to_the_first(tmp_path: Path, height: int, inner: tuple[slice, slice]) -> None:
    """As WebRTC recordings do. Other proportions get black bars."""
    parts = [make_film(tmp_path / f"{rows}.ts", 3, draw=lambda n, h=rows: quarters(n, h, 128 if h > 48 else 64))
             for rows in (48, height)]  # fmt: skip
    path = tmp_path / "call.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    frames = read(path, f"128 × {height}")
    assert {frame.shape for frame in frames} == {(48, 64, 3)}
    assert len(frames) == 6
    scaled = np.asarray(Image.fromarray(quarters(0, height, 128)).resize(frames[-1][inner].shape[1::-1]))
    assert np.abs(frames[-1][inner].astype(int) - scaled).mean() < 6
    assert frames[-1].sum() == pytest.approx(frames[-1][inner].sum(), rel=0.02)


def test_interlaced_pictures_become_whole(tmp_path: Path) -> None:
    """A bar that moves 8 pixels from field to field: in the frames no row differs much from the rows next to it."""

    def fields(number: int) -> NDArray[np.uint8]:
        frame = np.zeros((96, 128, 3), np.uint8)
        for row in range(96):
            left = 16 * number + 8 * (row % 2)
            frame[row, left : left + 24] = 220
        return frame

    options = {"flags": "+ildct+ilme", "top": "1"}
    path = make_film(tmp_path / "tv.mpg", 5, 25, fields, codec="mpeg2video", codec_options=options)
    with av.open(str(path)) as container:
        if not any(picture.interlaced_frame for picture in container.decode(video=0)):
            pytest.skip("this FFmpeg's encoder marks nothing as interlaced")
    for number, frame in enumerate(read(path)):
        combs = np.abs(frame[1:-1].astype(int) - frame[:-2])[20:70].mean()
        naive = np.abs(fields(number)[1:-1].astype(int) - fields(number)[:-2])[20:70].mean()
        assert combs < naive / 3
