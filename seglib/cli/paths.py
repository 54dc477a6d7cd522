"""Which file becomes which: from what stands on the command line to sources and outputs."""

import os
from collections.abc import Sequence
from pathlib import Path

from seglib.cli.batch import Settings, Task
from seglib.errors import UsageError
from seglib.images import is_image
from seglib.video.file_writer import ENDINGS, Recipe
from seglib.video.image_sequence import check_no_codec, holds_pictures

_PICTURES = (".png", ".jpg", ".jpeg", ".webp")  # endings that a picture keeps; the others become .png
_IN_FOLDERS = (*ENDINGS, *_PICTURES, ".mkv", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".wmv", ".flv", ".3gp")


def plan(sources: Sequence[str], target: str, settings: Settings, force: bool = False) -> list[Task]:
    """Which file becomes which. Raises UsageError for names that do not go together.

    sources: videos, pictures, and folders of them. target: a file, for one source; or a folder, in which every
    source keeps its name, and its ending if that can be written. The tasks' paths are absolute.
    A video cut out may also become a folder of pictures: the target, if it has no ending and is none yet.
    """
    files = [file for source in sources for file in _files(absolute(source))]
    goal = absolute(target)
    is_older_output = settings.effect == "cutout" and holds_pictures(goal)
    into_folder = (goal.is_dir() and not is_older_output) or target.endswith(("/", os.sep))
    if not into_folder and (len(sources) > 1 or absolute(sources[0]).is_dir()):
        if goal.suffix or goal.exists():
            raise UsageError(f"{target} cannot be made of several files; name a folder for them, such as out/")
        into_folder = True
    tasks: dict[str, Task] = {}
    for file in files:
        path = goal / _output_name(file, settings) if into_folder else goal
        _check_ending(file, path, settings)
        key = str(path).casefold()  # some disks do not tell capitals from small letters
        if key in tasks:
            raise UsageError(f"{tasks[key].src} and {file} would both become {path}; rename one of them")
        if path.exists() and any(source.exists() and path.samefile(source) for source in files):
            raise UsageError(f"{path} is one of the sources itself; write to another place")
        tasks[key] = Task(file, path, settings, force)
    return list(tasks.values())


def _files(source: Path) -> list[Path]:
    """The source itself, or the videos and pictures in a folder."""
    if not source.is_dir():
        return [source]
    found = [path for path in source.iterdir() if path.suffix.lower() in _IN_FOLDERS and path.is_file()]
    found = [path for path in found if not path.name.startswith(".") and not path.stem.endswith(".unfinished")]
    if not found:
        raise UsageError(f"{source} holds no video and no picture")
    return sorted(found)


def _output_name(file: Path, settings: Settings) -> str:
    ending = file.suffix.lower()
    if is_image(file):
        # A mask is no photo, JPEG would blur its edge; and only PNG has the transparency of a cut-out.
        keeps_ending = settings.effect not in ("mask", "cutout") and ending in _PICTURES
        return file.name if keeps_ending else f"{file.stem}.png"
    if settings.codec == "png":
        return file.stem.replace(".", "_")  # a folder of pictures
    if settings.codec == "vp9" or settings.effect == "cutout":
        return f"{file.stem}.webm"
    return file.name if ending in ENDINGS and settings.codec in (None, ENDINGS[ending][1]) else f"{file.stem}.mp4"


def _check_ending(file: Path, path: Path, settings: Settings) -> None:
    if path.suffix.lower() in ENDINGS or not is_image(file):
        is_cutout = settings.effect == "cutout"
        try:
            if is_cutout and not path.suffix:
                return check_no_codec(path, settings.codec if settings.codec != "png" else None, settings.crf)
            Recipe.choose(path, settings.codec, settings.crf, is_cutout)
        except ValueError as error:
            raise UsageError(f"{error}; or name a folder, such as out/") from None


def absolute(path: str) -> Path:
    """The full path, ~ included: a worker elsewhere has another current folder."""
    return Path(os.path.abspath(os.path.expanduser(path)))
