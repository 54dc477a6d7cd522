"""The exceptions of what a caller cannot know beforehand: no camera, a bad file, no weights.

Their messages say what was tried and what to do next. Wrong arguments raise Python's own ValueError and TypeError.
"""


class CameraUnavailable(RuntimeError):
    """No camera could be opened, or it gave no frame in time.

    Examples
    --------
    >>> try:
    ...     frames = seglib.open_source(0)
    ... except seglib.CameraUnavailable:
    ...     frames = seglib.open_source("clip")
    """


class SourceError(RuntimeError):
    """A picture or video file is missing, empty, damaged, or of a kind that cannot be read.

    Examples
    --------
    >>> try:
    ...     frames = seglib.open_source("absent.mp4")
    ... except seglib.SourceError as error:
    ...     print("absent.mp4" in str(error))
    True
    """


class WeightsUnavailable(RuntimeError):
    """The weights of a model are not on this machine and could not be downloaded, or are damaged.

    Examples
    --------
    >>> try:
    ...     model = seglib.load_model("fcn_resnet50", download=False)
    ... except seglib.WeightsUnavailable:
    ...     model = seglib.load_model("portrait")
    """


class UsageError(Exception):
    """Arguments on the command line that do not fit together. Nothing has been done."""
