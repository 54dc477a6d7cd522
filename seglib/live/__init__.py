"""The walk of a frame, live: a camera or a clip in, a picture in the notebook out, with controls that work meanwhile.

``grab`` keeps the newest frame, ``find`` finds its mask, ``finish`` makes the picture; ``loop`` runs each in a thread
of its own and stops them. ``canvas`` shows pictures in the page no faster than it can draw, ``controls`` and ``widget``
are what a person sees.
Taught in 06_live.ipynb.
"""
