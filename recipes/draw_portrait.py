"""Write seglib/data/portrait.xml, the drawing of portrait's network that OpenVINO runs, when the network has changed.

    python recipes/draw_portrait.py

It holds no weights, so a new checkpoint of the same network needs no new drawing. Run recipes/checksums.py after it.
"""

from seglib.predict import portrait
from seglib.predict.openvino_export import draw, save_drawing

save_drawing(draw(portrait.build().eval()), portrait.DRAWING)
print(f"{portrait.DRAWING}: {portrait.DRAWING.stat().st_size / 1e3:.0f} kB")
