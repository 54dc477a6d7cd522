"""One answer to each exercise of 01_capture.ipynb. Yours may look different and be as good."""

import cv2


def shrink(frame, width):
    """Return the whole frame, this many pixels wide, with its aspect ratio."""
    height = round(frame.shape[0] * width / frame.shape[1])
    return cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)  # a size: width first


def count_frames(capture):
    """Read a cv2.VideoCapture to its end, release it, and return the number of frames."""
    count = 0
    try:
        while capture.read()[0]:  # the flag, not the frame, tells that the file has ended
            count += 1
    finally:  # also if reading raises an error, which the caller still gets
        capture.release()
    return count


def every_third(frames):
    """Yield frames 0, 3, 6, … of a source, each as soon as it arrives."""
    for number, frame in enumerate(frames):
        if number % 3 == 0:
            yield frame
