"""Where frames come from: cameras, video files, pictures. Taught in 01_capture.ipynb.

Read ``sources`` first: it opens all of them; ``base`` is what they share. ``camera`` starts a camera within a deadline,
``browser_camera`` is the camera of the page. A video file passes ``container`` (open, check the length),
``video_decoder``, and ``presentation``, which applies its metadata with ``deinterlace`` and ``pixel_format``.
"""
