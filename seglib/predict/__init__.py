"""From a frame to labels or a soft mask: the models, and what happens before and after the network.

Taught in 02_predict.ipynb. To read it, follow ``load_model("portrait")``:

- ``registry``: the table of models, and ``load_model``; ``execution`` chooses device, runtime and precision.
- ``embedded``: the models that come with the package; ``portrait`` is one. ``torchvision_models`` has torchvision's,
  ``weights`` their files, ``wrapping`` makes a model of a network of one's own.
- ``model``: what the caller gets. It asks a ``runner``: ``cpu_runner``, with the network run by ``openvino_runtime`` or
  ``torch_runtime``, or ``gpu_runner``, with ``conv_fusion`` and ``cuda_graph``. ``preprocessing`` comes before the
  network, ``probabilities`` after it; ``openvino_export`` makes PyTorch's networks readable for OpenVINO.

PyTorch is imported only where it is needed: ``portrait`` on a CPU does without.
"""

from seglib.predict.model import Model
from seglib.predict.registry import MODELS, TORCHVISION_MODELS, load_model, model_table

__all__ = ["MODELS", "TORCHVISION_MODELS", "Model", "load_model", "model_table"]
