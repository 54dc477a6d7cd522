"""The live picture: a camera or a clip in, a picture in the notebook out, with controls that work meanwhile.

Read in the order in which a frame travels: ``capture_thread`` keeps the newest frame; ``stages`` predicts its mask and
renders it, by :class:`seglib.Pipeline`; ``presenter`` records the result, encodes its panes (``jpeg``) and shows them
on a ``display``, no faster than the page can draw (``flow_control``). ``loop`` runs this in three threads (``workers``)
with the ``settings`` of the moment, and stops them. ``widget`` puts the ``controls`` around it (``layout``).
Taught in 06_live.ipynb.
"""

from seglib._internal.latest_value import LatestValue
from seglib.live.flow_control import FlowControl
from seglib.live.loop import Loop

__all__ = ["FlowControl", "LatestValue", "Loop"]
