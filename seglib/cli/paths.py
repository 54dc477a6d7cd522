"""Which file becomes which: from the names on the command line to sources and outputs."""

import os
from collections.abc import Sequence
from pathlib import Path

from seglib.cli.batch import BatchOptions, Task
from seglib.errors import UsageError
from seglib.images import is_image
from seglib.video.image_sequence import holds_images
from seglib.video.writer import VIDEO_FORMATS

_PICTURES = (".png", ".jpg", ".jpeg", ".webp")  # extensions that a picture keeps; others become .png
_IN_FOLDERS = (
    *VIDEO_FORMATS,
    *_PICTURES,
    ".mkv",
    ".avi",
    ".mpg",
    ".mpeg",
    ".ts",
    ".mts",
    ".m2ts",
    ".wmv",
    ".flv",
    ".3gp",
)


def plan(sources: Sequence[str], target: str, options: BatchOptions, force: bool = False) -> list[Task]:
    """Decide which file becomes which; the paths of the tasks are absolute.

    Parameters
    ----------
    sources
        Videos, pictures, and folders of them.
    target
        A file, for one source; or a folder, in which every source keeps its name, and its extension if that can be
        written. A cut-out video may also become a folder of pictures: a target without an extension that is no folder
        yet, or holds such pictures.
    options
        What to do with every file.
    force
        Replace files that exist.

    Raises
    ------
    UsageError
        For names that do not go together.
    """
    files = [file for source in sources for file in _files(absolute(source))]
    goal = absolute(target)
    is_older_output = options.effect == "cutout" and holds_images(goal)
    into_folder = (goal.is_dir() and not is_older_output) or target.endswith(("/", os.sep))
    if not into_folder and (len(sources) > 1 or absolute(sources[0]).is_dir()):
        if goal.suffix or goal.exists():
            raise UsageError(f"{target} cannot be made of several files; name a folder for them, such as out/")
        into_folder = True
    tasks: dict[str, Task] = {}
    for file in files:
        path = goal / _output_name(file, options) if into_folder else goal
        _check_encoding(file, path, options)
        key = str(path).casefold()  # some file systems ignore case
        if key in tasks:
            raise UsageError(f"{tasks[key].src} and {file} would both become {path}; rename one of them")
        if path.exists() and any(source.exists() and path.samefile(source) for source in files):
            raise UsageError(f"{path} is one of the sources itself; write to another place")
        tasks[key] = Task(file, path, options, force)
    return list(tasks.values())


def absolute(path: str) -> Path:
    """The absolute path, with ~ expanded: a worker elsewhere has another current folder."""
    return Path(os.path.abspath(os.path.expanduser(path)))


def _files(source: Path) -> list[Path]:
    """The source itself, or the videos and pictures in a folder."""
    if not source.is_dir():
        return [source]
    found = [path for path in source.iterdir() if path.suffix.lower() in _IN_FOLDERS and path.is_file()]
    found = [path for path in found if not path.name.startswith(".") and not path.stem.endswith(".unfinished")]
    if not found:
        raise UsageError(f"{source} holds no video and no picture")
    return sorted(found)


def _output_name(file: Path, options: BatchOptions) -> str:
    extension = file.suffix.lower()
    if is_image(file):
        # JPEG would blur the edge of a mask, and only PNG has the transparency of a cut-out.
        keeps_extension = options.effect not in ("mask", "cutout") and extension in _PICTURES
        return file.name if keeps_extension else f"{file.stem}.png"
    if options.codec == "png":
        return file.stem.replace(".", "_")  # a folder of pictures
    if options.codec == "vp9" or options.effect == "cutout":
        return f"{file.stem}.webm"
    fits = extension in VIDEO_FORMATS and options.codec in (None, VIDEO_FORMATS[extension][1])
    return file.name if fits else f"{file.stem}.mp4"


def _check_encoding(file: Path, path: Path, options: BatchOptions) -> None:
    """Raise UsageError if the extension, the codec and crf do not go together."""
    is_video = path.suffix.lower() in VIDEO_FORMATS
    if not is_video and is_image(file):
        return
    is_cutout = options.effect == "cutout"
    try:
        options.encoding(path).for_file(path, transparent=is_cutout)
    except ValueError as error:
        names_folder = is_video or is_cutout  # a cut-out's message names the folder itself
        raise UsageError(str(error) if names_folder else f"{error}; or name a folder, such as out/") from None
