"""Video files for tests, made with PyAV: any codec, any times, with sound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Tone:
    """A sine to be heard. start, seconds: when and how long. beep: a tenth of a second of it every so many seconds."""

    codec: str = "aac"
    seconds: float = 1.0
    hertz: int = 440
    rate: int = 48000
    layout: str = "mono"
    start: float = 0.0
    language: str = "eng"
    beep: float = 0.0


def smooth(number: int, height: int = 96, width: int = 128) -> Picture:
    """Gentle slopes of colour that move with the frame's number: what any codec keeps well."""
    y, x = np.mgrid[:height, :width] / 16.0
    turn = number / 5
    waves = [np.sin(x + turn), np.cos(y - turn), np.sin((x + y) / 2 + turn)]
    return np.stack([np.rint(128 + 90 * wave) for wave in waves], axis=2).astype(np.uint8)


def noisy(number: int, height: int = 96, width: int = 128) -> Picture:
    """What does not compress, so that every byte of the file matters."""
    return np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)


def make_film(
    path: Path,
    count: int = 15,
    rate: Fraction | int = 30,
    draw: Callable[[int], Picture] = smooth,
    *,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    times: Sequence[int] | None = None,
    base: Fraction | None = None,
    tones: Sequence[Tone] = (),
    marks: dict[str, int] | None = None,
    matrix: Colorspace = Colorspace.ITU601,
    levels: ColorRange = ColorRange.MPEG,
    shape: Fraction | None = None,
    codec_options: dict[str, str] | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """times: of each frame, in units of base. marks: colorspace and so on, as numbers. shape: of a pixel."""
    quality = {"crf": "4", "preset": "ultrafast"} if codec == "libx264" else {}
    with av.open(str(path), "w", options=options or {}) as container:
        stream: Any = container.add_stream(codec, rate=rate, options=quality | (codec_options or {}))
        stream.height, stream.width = draw(0).shape[:2]
        stream.pix_fmt = pixels
        base = base or 1 / Fraction(rate)
        stream.codec_context.time_base = base
        if codec in ("mpeg4", "mpeg2video", "mjpeg", "libvpx"):
            stream.bit_rate = 4_000_000
        if shape:
            stream.codec_context.sample_aspect_ratio = shape
        for name, value in (marks or {}).items():
            setattr(stream.codec_context, name, value)
        sounds = [(_add_sound(container, tone), tone) for tone in tones]
        packets = []
        for number in range(count):
            picture = av.VideoFrame.from_ndarray(draw(number), format="rgb24")
            picture = picture.reformat(format=pixels, dst_colorspace=matrix, dst_color_range=levels)
            picture.pts, picture.time_base = times[number] if times else number, base
            packets += stream.encode(picture)
        packets += stream.encode()
        for sound, tone in sounds:
            packets += _play(sound, tone)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            container.mux(packet)
    return path


def _add_sound(container: Any, tone: Tone) -> Any:
    sound = container.add_stream(tone.codec, rate=tone.rate, layout=tone.layout)
    sound.metadata["language"] = tone.language
    return sound


def _play(sound: Any, tone: Tone) -> list[av.Packet]:
    total = round(tone.seconds * tone.rate)
    seconds = np.arange(total) / tone.rate
    wave = (0.5 * np.sin(2 * np.pi * tone.hertz * seconds)).astype(np.float32)
    if tone.beep:
        wave *= seconds % tone.beep < 0.1
    packets = []
    channels = sound.layout.nb_channels
    for at in range(0, total, 1024):
        block = np.repeat(wave[np.newaxis, at : at + 1024], channels, axis=0)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), format="fltp", layout=tone.layout)
        frame.sample_rate, frame.pts, frame.time_base = (
            tone.rate,
            at + round(tone.start * tone.rate),
            Fraction(1, tone.rate),
        )
        packets += sound.encode(frame)
    return packets + sound.encode()


def planes(path: Path) -> list[NDArray[np.uint8]]:
    """Every picture as it is coded, without any conversion: brightness above colour, (H * 3 / 2, W)."""
    with av.open(str(path)) as container:
        return [picture.to_ndarray() for picture in container.decode(video=0)]


def times(path: Path) -> list[float]:
    """When each picture is shown, in seconds."""
    with av.open(str(path)) as container:
        return [float((p.pts if p.pts is not None else p.dts) * p.time_base) for p in container.decode(video=0)]


def sounds(path: Path) -> list[list[bytes]]:
    """The packets of every audio stream."""
    with av.open(str(path)) as container:
        found: dict[int, list[bytes]] = {stream.index: [] for stream in container.streams.audio}
        if found:
            for packet in container.demux(list(container.streams.audio)):
                if packet.size:
                    found[packet.stream_index].append(bytes(packet))
        return list(found.values())


def beeps(path: Path) -> list[float]:
    """When each beep begins, in seconds: where it gets loud after it has been quiet for a second."""
    found, loud_until = [], -1.0
    with av.open(str(path)) as container:
        for block in container.decode(audio=0):
            wave = np.abs(block.to_ndarray().astype(float).reshape(-1, block.samples)[0])
            loud = np.flatnonzero(wave > 0.1 * np.iinfo(np.int16).max if wave.max() > 1.5 else wave > 0.1)
            if loud.size:
                start = float(block.pts * block.time_base)
                if start + loud[0] / block.sample_rate > loud_until + 1:
                    found.append(start + loud[0] / block.sample_rate)
                loud_until = start + loud[-1] / block.sample_rate
    return found


def heard(path: Path, stream: int = 0) -> tuple[float, float, float]:
    """(start, end, pitch in hertz) of an audio stream, as it is decoded."""
    with av.open(str(path)) as container:
        audio = container.streams.audio[stream]
        blocks = list(container.decode(audio))
        rate = blocks[0].sample_rate
        start = float(blocks[0].pts * blocks[0].time_base)
        end = float(blocks[-1].pts * blocks[-1].time_base) + blocks[-1].samples / rate
        wave = np.concatenate([block.to_ndarray().astype(float).reshape(-1, block.samples)[0] for block in blocks])
    middle = wave[len(wave) // 4 : -len(wave) // 4]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    return start, end, float(np.argmax(spectrum) * rate / len(middle))
