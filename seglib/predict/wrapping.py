"""A network of one's own as a model."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import partial

import torch
from torch import Tensor, nn

from seglib.predict.execution import choose_device
from seglib.predict.model import Model
from seglib.predict.preprocessing import IMAGENET_MEAN, IMAGENET_STD, ShorterSide
from seglib.predict.torch_runtime import eval_mode, torch_runner

_TRIAL_SIDE = 256  # of the black frame that the network is tried on, if it gets frames of any size


def wrap_model(
    network: nn.Module,
    class_names: Sequence[str],
    size: int | None = None,
    *,
    mean: Sequence[float] = IMAGENET_MEAN,
    std: Sequence[float] = IMAGENET_STD,
    name: str | None = None,
    device: str | None = None,
) -> Model:
    """Make a model of a network of your own, which then works wherever a loaded model does.

    Parameters
    ----------
    network
        A PyTorch module. For inputs (N, 3, h, w) float32 it returns logits, (N, C, h', w'), or a dict with these under
        "out". A single channel is the logit of the second class against the first. The model takes a copy, in eval
        mode: training the network further does not change the model.
    class_names
        Name of each class, in the order of the channels; the first is usually "background".
    size
        Shorter side of the network's input in pixels; the default is the frame's own size.
    mean, std
        Of each channel, red, green and blue, of frames in [0, 1]: what the network was trained with. The default is
        ImageNet's; ``(0, 0, 0)`` and ``(1, 1, 1)`` leave the frames in [0, 1].
    name
        Its name in messages and in ``Live``; the default is that of the network's class.
    device
        "cpu", "cuda", "mps"; the default is the first of CUDA, MPS and CPU that is there.

    Returns
    -------
    Model
        Its labels are the channel numbers. It computes in float32.

    Raises
    ------
    TypeError
        If the network is not a module, or returns something else than logits.
    ValueError
        If the number of class names is not that of the channels.

    Notes
    -----
    The network runs once on a black frame to check it. To pickle the model, the network's class must be importable: a
    class defined in a notebook is not.

    Examples
    --------
    >>> import torch
    >>> network = torch.nn.Conv2d(3, 2, kernel_size=1)
    >>> model = seglib.wrap_model(network, class_names=("background", "cup"), size=256)
    >>> model.mask(frame, keep="cup").shape
    (480, 640)
    """
    if not isinstance(network, nn.Module):
        raise TypeError(f"network must be a torch.nn.Module, not {type(network).__name__}{_module_hint(network)}")
    names = _check_class_names(class_names)
    device = choose_device(device)
    own = eval_mode(deepcopy(network)).to(device)
    preprocess = ShorterSide(size, mean, std)
    logits = _Logits(own, len(names))
    side = size or _TRIAL_SIDE
    with torch.inference_mode():
        logits(preprocess(torch.zeros(1, 3, side, side, dtype=torch.uint8, device=device)))
    return Model(
        name or type(network).__name__,
        torch_runner(preprocess, logits, device),
        class_names=names,
        classes=range(len(names)),
        preprocess=preprocess,
        network=partial(eval_mode, own),
        device=device,
    )


class _Logits(nn.Module):
    """The logits of a network, as {"out": logits}, checked."""

    def __init__(self, network: nn.Module, classes: int) -> None:
        super().__init__()
        self.network, self.classes = network, classes

    def forward(self, inputs: Tensor) -> dict[str, Tensor]:
        output = self.network(inputs)
        logits = output.get("out") if isinstance(output, Mapping) else output
        if not isinstance(logits, Tensor):
            keys = f" with {', '.join(map(repr, output))}" if isinstance(output, Mapping) else ""
            raise TypeError(f"the network returned {type(output).__name__}{keys}, not a tensor or a dict with 'out'")
        if logits.ndim != 4:
            raise ValueError(f"the network returned logits {tuple(logits.shape)}, not (N, C, h, w)")
        channels = logits.shape[1]
        if channels != self.classes and (channels, self.classes) != (1, 2):
            raise ValueError(
                f"there are {self.classes} class names but the network returned {channels} channels; "
                "name one class for each channel, or two for a single channel"
            )
        return {"out": logits}


def _check_class_names(class_names: Sequence[str]) -> tuple[str, ...]:
    names = () if isinstance(class_names, str) else tuple(class_names)
    if not 2 <= len(names) <= 256 or len(set(names)) < len(names) or not all(isinstance(n, str) for n in names):
        raise ValueError(f"class_names is {class_names!r}, not 2 to 256 different names such as ('background', 'cup')")
    return names


def _module_hint(network: object) -> str:
    if isinstance(network, Mapping):
        return "; put these weights into a network: network.load_state_dict(weights)"
    return "; call it first: network()" if isinstance(network, type) else ""
