"""Which cameras this machine has. None is opened to find out."""

import sys
from contextlib import suppress
from pathlib import Path

SYSFS = Path("/sys/class/video4linux")


def camera_names(devices: Path = SYSFS) -> dict[int, str]:
    """Return the names of this machine's cameras by number.

    On Linux the kernel names them. Elsewhere only opening them would tell, so 0 and 1 are returned without a name.

    Parameters
    ----------
    devices
        The folder in which Linux describes its video devices.

    Returns
    -------
    dict of int to str
        In the order of the numbers; "" where the name is unknown.

    Examples
    --------
    >>> all(number >= 0 for number in camera_names())
    True
    """
    if sys.platform != "linux":
        return {0: "", 1: ""}
    names = {}
    for device in devices.glob("video*"):
        with suppress(OSError, ValueError):  # one that is unplugged at this moment
            if int((device / "index").read_text()) == 0:  # a camera's other devices hold its metadata
                names[int(device.name.removeprefix("video"))] = (device / "name").read_text().strip()
    return dict(sorted(names.items()))
