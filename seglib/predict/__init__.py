"""From a frame to labels or a soft mask: the models, and what happens before and after the network.

Every model speaks the 21 classes of PASCAL VOC, the embedded ``portrait`` too, so code that is written for one
runs with all. Taught in 02_predict.ipynb.

``loading`` finds a model and the best way to run it; ``model`` is what the caller holds. ``cpu`` is the walk of a frame
on a CPU, where OpenVINO runs the network (``compiled``), or PyTorch in its place (``eager``); ``gpu`` is the walk on a
GPU, which ``fused`` and ``recorded`` make quick on NVIDIA's. ``published`` knows torchvision's networks, and
``drawings`` makes them readable for OpenVINO. PyTorch is imported only where it is needed: ``portrait`` on a CPU does
without.
"""

from seglib.predict.model import Model
from seglib.predict.registry import MODELS, TORCHVISION_MODELS, load_model, model_table

__all__ = ["MODELS", "TORCHVISION_MODELS", "Model", "load_model", "model_table"]
