"""Titles and chapters of a video; and what a video holds, in words."""

import re
from collections.abc import Collection
from typing import Any

import av
from av.container import InputContainer, OutputContainer

# The tags that the containers hold.
_MOV = ("title", "artist", "album", "comment", "copyright", "date", "genre", "creation_time")
_OTHERS = (*_MOV, "album_artist", "composer", "description", "synopsis", "show", "keywords", "lyrics", "track", "disc")
# What programs write about the file itself, which is not true of the new one, or nobody misses.
_TECHNICAL = re.compile(
    r"(major_brand|minor_version|compatible_brands|encode[rd].*|duration|.*handler_name|vendor_id|_statistics_.*|software|"
    r"timecode|bps|alpha_mode|number_of_\w+|com\.android\.\w+|stereo_mode|isft|variant_bitrate)(-\w+)?"
)
_PLACE = re.compile(r"location|xyz|gps|geo|latitude|longitude|place", re.IGNORECASE)
_COORDINATES = re.compile(r"[+-]\d{1,2}\.\d{2,}[, ]*[+-]\d{1,3}\.\d{2,}")  # ISO 6709


def copy_metadata(source: InputContainer, output: OutputContainer) -> list[str]:
    """Copy titles and chapters, but not where the video was recorded; returns what is left out, in words."""
    known = _MOV if output.format.name == "mov" else _OTHERS
    kept, others, place = {}, [], False
    for key, value in source.metadata.items():
        name = key.lower()
        if _PLACE.search(name) or _COORDINATES.search(value):
            place = True
        elif name in known:
            kept[name] = value
        elif not _TECHNICAL.fullmatch(name):
            others.append(key)
    output.metadata.update(kept)
    output.set_chapters(source.chapters())
    names = ["the place of recording"] if place else []
    return [*names, f"the tags {', '.join(sorted(others))}"] if others else names


def names_of_streams(source: InputContainer, kept: Collection[int] = ()) -> list[str]:
    """The streams of a video that a new one does not hold: all but the pictures and those that are kept, by index."""
    names, pictures = [], 0
    for stream in source.streams:
        name = _name_of_stream(stream)
        if name == "a video stream":
            pictures += 1
        is_shown = name == "a video stream" and pictures == 1
        is_chapters = stream.type == "data" and source.chapters()  # MP4 has a stream for their titles
        if not (is_shown or is_chapters or stream.index in kept or name in names):
            names.append(name)
    return names


def _name_of_stream(stream: Any) -> str:
    if stream.type == "video":
        is_cover = stream.disposition & av.stream.Disposition.attached_pic
        return "a cover picture" if is_cover else "a video stream"
    codec = f" ({stream.codec_context.name})" if stream.codec_context is not None else ""
    language = f" in {stream.language}" if stream.language not in (None, "und") else ""
    return {"audio": "audio", "subtitle": "subtitles"}.get(stream.type, f"a stream of {stream.type}") + language + codec
