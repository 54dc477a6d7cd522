"""Where frames come from: cameras, video files, pictures.

``sources`` opens them and ``base`` is what they share; ``camera`` starts a camera within a deadline; ``browser_camera``
is the camera of the page; ``container`` and ``pixel_format`` know the facts of video files. Taught in 01_capture.ipynb.
"""
