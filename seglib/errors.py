"""What can go wrong outside the program: no camera, a bad file, no weights.

Wrong arguments raise Python's own ``ValueError`` or ``TypeError``. The first three are for things that the
caller cannot know beforehand. Their messages say what was tried and what to do next.
"""


class CameraUnavailable(RuntimeError):
    """No camera could be opened, or it gave no picture in time."""


class SourceError(RuntimeError):
    """A picture or video file is missing, empty, damaged, or of a kind that cannot be read."""


class WeightsUnavailable(RuntimeError):
    """The trained weights of a network are not on this machine and could not be fetched, or are damaged."""


class UsageError(Exception):
    """Arguments on the command line that do not fit together; the message says why. Nothing has been done."""
