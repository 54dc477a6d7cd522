"""Keep the memory of large arrays from one frame to the next.

On Linux, C's library gives the memory of a large array back to the system as soon as nobody needs it, and asks for it
anew at the next frame; the system fills every page of it with zeros each time. What counts as large follows the
largest array that was given back so far, but no further than 32 megabytes ("M_MMAP_THRESHOLD" in the manual of
mallopt).
"""

import numpy as np

_LARGEST = 31 * 2**20  # bytes: just below the most that the library goes along with


def keep_memory() -> None:
    """From now on this process keeps for the next frame what it needed for the last, up to 62 megabytes a thread.

    Without it, whether frames of 1280x720 take a sixth longer is a matter of chance: of what else the process has
    given back before. It costs nothing, since the pages are never touched, and changes nothing on other systems.
    """
    np.empty(_LARGEST, np.uint8)
