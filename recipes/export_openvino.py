"""Export the embedded networks for OpenVINO, to seglib/data/NAME.xml and NAME.bin, when a network has changed.

    python recipes/export_openvino.py [NAME …]

An export holds no weights, so a new checkpoint of the same network needs no new one. Run recipes/checksums.py after it.
"""

import sys

from seglib.predict.embedded import EmbeddedModel
from seglib.predict.openvino_export import export, save_exported
from seglib.predict.registry import MODELS
from seglib.predict.weights import DATA

for name in sys.argv[1:] or MODELS:
    spec = MODELS[name]
    if isinstance(spec, EmbeddedModel):
        path = DATA / f"{name}.xml"
        save_exported(export(spec.build().eval()), path)
        print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")
