"""The walk of a frame, live: a camera or a clip in, a picture in the notebook out, with controls that work meanwhile.

``grab`` keeps the newest frame, ``walk`` predicts and applies the effect, ``loop`` runs both in threads and stops them,
``canvas`` shows pictures in the page no faster than it can draw, ``controls`` and ``widget`` are what a person sees.
Taught in 06_live.ipynb.
"""
