"""The exercises of 08_inside_deeplabv3.ipynb: atrous convolution, receptive field, from strides to rates."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from seglib.exercises.checks import CheckFailed, Submission, describe, exercise
from seglib.exercises.outputs import Array, Mistake, as_array, difference, reject_mistakes, require_shape

Layer = tuple[int, int, int]  # kernel size, stride, rate
Strided = tuple[int, int]  # kernel size, stride

_NOTEBOOK = "08_inside_deeplabv3"


def _resnet(counts: Sequence[int]) -> list[Strided]:
    """The layers of a ResNet with bottlenecks: the first convolution, the pooling, four stages."""
    blocks = [(number, stage) for stage, count in enumerate(counts) for number in range(count)]
    strides = [2 if stage and not number else 1 for number, stage in blocks]
    return [(7, 2), (3, 2), *(layer for stride in strides for layer in ((1, 1), (3, stride), (1, 1)))]


def _windows(image: Array, size: int, rate: int, mode: Any = "constant") -> Array:
    """For every pixel the size × size numbers around it that are a rate apart, (H, W, size, size)."""
    reach = rate * (size // 2)
    spans = sliding_window_view(np.pad(image, reach, mode=mode), (2 * reach + 1, 2 * reach + 1))
    return spans[..., ::rate, ::rate]


def _convolved(image: Array, kernel: Array, rate: int, mode: Any = "constant") -> Array:
    return np.asarray(np.einsum("hwij,ij->hw", _windows(image, len(kernel), rate, mode), kernel))


@exercise("atrous", _NOTEBOOK)
def check_atrous(atrous: Submission) -> str:
    """``atrous(image, kernel, rate)`` gives the atrous convolution, as large as the image, with zeros outside it."""
    rng = np.random.default_rng(8)
    cases = [((9, 12), 3, 2), ((9, 12), 3, 1), ((11, 8), 5, 3), ((5, 6), 3, 7)]
    for shape, size, rate in cases:
        image, kernel = rng.normal(size=shape), rng.normal(size=(size, size))
        result = as_array(atrous(image, kernel, rate), "atrous", "(H, W)")
        _need_same_size(result, image, size, rate)
        true = _convolved(image, kernel, rate)
        if not difference(result, true) < 1e-4:
            reject_mistakes(result, _wrong_convolutions(image, kernel, rate), 1e-6)
            raise CheckFailed(
                f"at rate {rate} it differs from PyTorch's by up to {difference(result, true):.2f}",
                "Try an image that is 1 at one place and 0 elsewhere. Where does each number of the kernel appear?",
            )
    return "two kernels, rates 1, 2, 3 and 7, the last of them larger than the image"


def _need_same_size(result: Array, image: Array, size: int, rate: int) -> None:
    reach = rate * (size - 1)
    smaller = tuple(side - reach for side in image.shape)
    if result.shape == smaller:
        raise CheckFailed(
            f"an image {image.shape} became {result.shape}",
            "The border is lost. How many zeros does each side need at this rate?",
        )
    if rate > 1 and result.shape == image[::rate, ::rate].shape:
        raise CheckFailed(
            f"an image {image.shape} became {result.shape}",
            "That is a stride: places are left out. A rate leaves out inputs, and keeps every place.",
        )
    require_shape(result, image.shape, "atrous")


def _wrong_convolutions(image: Array, kernel: Array, rate: int) -> list[Mistake]:
    wrongs = [
        Mistake(_convolved(image, kernel[::-1, ::-1], rate), "the kernel is turned round", _FLIPPED),
        Mistake(_convolved(image, kernel.T, rate), "rows and columns of the kernel have changed places", _TRANSPOSED),
        Mistake(_convolved(image, kernel, rate, "wrap"), "what leaves at one side comes in at the other", _ROLLED),
        Mistake(_convolved(image, kernel, rate, "edge"), "the border is repeated", _REPEATED),
        Mistake(image, "the image is as it was", "Each result is a sum of products. Where is the kernel used?"),
    ]
    if rate > 1:
        wrongs.append(Mistake(_convolved(image, kernel, 1), "it is the ordinary convolution", _NO_RATE))
        wrongs.append(Mistake(_convolved(image, kernel, rate + 1), f"the taps are {rate + 1} apart", _TOO_FAR))
    return wrongs


_FLIPPED = "Mathematicians turn the kernel first, networks do not: the top left number belongs to the top left pixel."
_TRANSPOSED = "Which of the two indices moves down in the image?"
_ROLLED = "np.roll goes round the edge. Outside the image there is nothing: zeros."
_NO_RATE = "The rate is given. Is it used where the next number is looked up?"
_TOO_FAR = "At rate 2 one number is left out between two taps, not two."
_REPEATED = "Only zeros lie outside here. What is the default of np.pad's mode?"


@exercise("receptive_field", _NOTEBOOK)
def check_receptive_field(receptive_field: Submission) -> str:
    """``receptive_field(layers)`` gives the width in pixels; a layer is ``(kernel, stride, rate)``."""
    resnet = _resnet((3, 4, 6, 3))
    cases: list[tuple[str, list[Layer]]] = [
        ("one 3×3 layer", [(3, 1, 1)]),
        ("one 5×5 layer of rate 3", [(5, 1, 3)]),
        ("three 3×3 layers, the first of stride 2", [(3, 2, 1), (3, 1, 1), (3, 1, 1)]),
        ("a 3×3 layer of stride 2 and rate 2, then two 3×3 layers of stride 2", [(3, 2, 2), (3, 2, 1), (3, 2, 1)]),
        ("ResNet-50", [(kernel, stride, 1) for kernel, stride in resnet]),
        ("ResNet-50 at output stride 8", _atrous(resnet, 8)),
        ("a network without layers", []),
    ]
    for name, layers in cases:
        _need_field(receptive_field(list(layers)), name, layers)
    return "seven stacks, ResNet-50 with strides and with rates among them"


def _field(layers: Iterable[Layer]) -> int:
    """Reckoned from the last layer back to the image."""
    field = 1
    for kernel, stride, rate in reversed(list(layers)):
        field = (field - 1) * stride + rate * (kernel - 1) + 1
    return field


def _need_field(value: Any, name: str, layers: Sequence[Layer]) -> None:
    right = _field(layers)
    if isinstance(value, list | tuple):
        raise CheckFailed(
            f"receptive_field gave back {describe(value)}", "One number is asked for: the width in pixels."
        )
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise CheckFailed(
            f"receptive_field gave back {describe(value)}", "One number of pixels is asked for."
        ) from None
    if number == right:
        return
    wrongs = {
        "The rate is not used yet. How far apart are the outermost taps of a kernel of 3 at rate 2?": _field(
            (kernel, stride, 1) for kernel, stride, _ in layers
        ),
        "Strides are not used yet. How far apart in the image are two neighbours after a stride of 2?": _field(
            (kernel, 1, rate) for kernel, _, rate in layers
        ),
        "Does a layer's stride change how far it sees itself, or how far those after it see?": _forward(
            layers, stride_first=True
        ),
        "A kernel of 3 reaches one pixel to either side: it adds 2, not 3.": _forward(layers, extra=1),
        "Begin with the pixel itself, not with nothing: before any layer the field is 1.": right - 1,
        "Strides multiply: after 2 and 2 two neighbours are 4 apart.": _forward(layers, forget=True),
        "That is the jump: how far apart two neighbours are. Asked for is how wide one of them sees.": int(
            np.prod([stride for _, stride, _ in layers])
        ),
    }
    seen = f"{name} gave {describe(value)}"
    for hint, wrong in wrongs.items():
        if number == wrong:
            raise CheckFailed(seen, hint)
    raise CheckFailed(seen, "Draw it on paper: a line of pixels, and from one result lines back to all that it saw.")


def _forward(layers: Sequence[Layer], extra: int = 0, stride_first: bool = False, forget: bool = False) -> int:
    """Reckoned from the image on, with one of the usual mistakes."""
    field, jump = 1, 1
    for kernel, stride, rate in layers:
        after = stride if forget else jump * stride
        field += (kernel - 1 + extra) * rate * (after if stride_first else jump)
        jump = after
    return field


@exercise("make_atrous", _NOTEBOOK)
def check_make_atrous(make_atrous: Submission) -> str:
    """``make_atrous(layers, output_stride)``: ``(kernel, stride)`` of each layer to ``(kernel, stride, rate)``."""
    small = [(3, 2), (3, 1), (3, 2), (3, 1), (3, 2), (3, 1), (3, 2), (3, 1)]
    cases = [(small, 4), (small, 8), (small, 16), (small, 1), (_resnet((3, 4, 6, 3)), 16), (_resnet((3, 4, 23, 3)), 8)]
    for layers, output_stride in cases:
        result = make_atrous(list(layers), output_stride)
        if not isinstance(result, list | tuple):
            raise CheckFailed(
                f"make_atrous gave back {describe(result)}", "A list of (kernel, stride, rate) is asked for."
            )
        _need_layers(result, layers, output_stride)
    return "output strides 1 to 16, on a stack of eight layers, ResNet-50 and ResNet-101"


def _atrous(layers: Iterable[Strided], output_stride: int) -> list[Layer]:
    """Each layer as it must be, from how far apart its inputs were before."""
    result, jump = [], 1
    for kernel, stride in layers:
        kept = min(stride, max(1, output_stride // jump))
        result.append((kernel, kept, max(1, jump // output_stride)))
        jump *= stride
    return result


def _need_layers(result: Sequence[Any], layers: Sequence[Strided], output_stride: int) -> None:
    true = _atrous(layers, output_stride)
    try:
        rows = [tuple(int(number) for number in row) for row in result]
    except (TypeError, ValueError):
        raise CheckFailed(
            "a layer of the result is not a few whole numbers", "Each is (kernel, stride, rate)."
        ) from None
    if len(rows) != len(layers):
        raise CheckFailed(f"{len(layers)} layers became {len(rows)}", "No layer is added and none is left out.")
    if any(len(row) != 3 for row in rows):
        raise CheckFailed("a layer of the result does not have three numbers", "Each is (kernel, stride, rate).")
    place = next((place for place, pair in enumerate(zip(rows, true, strict=True)) if pair[0] != pair[1]), None)
    if place is None:
        return
    seen = f"at output stride {output_stride}, layer {place} of {len(rows)} became {rows[place]}"
    strides = [stride for _, stride, _ in rows]
    if rows[place][0] != layers[place][0]:
        raise CheckFailed(seen, "Kernels keep their size, or the trained weights would not fit.")
    if np.prod(strides) > output_stride:
        raise CheckFailed(seen, f"All strides together make {np.prod(strides)}. Which ones have to become 1?")
    if strides != [stride for _, stride, _ in true]:
        raise CheckFailed(seen, "Strides are kept from the first layer on, for as long as they fit.")
    if all(rate == 1 for *_, rate in rows):
        raise CheckFailed(seen, "Without strides, and without rates, the layers after it see less than before.")
    if rows[place][2] > true[place][2]:
        raise CheckFailed(
            seen, "A layer that gives up its stride sees what it saw. From which layer on is there a gap?"
        )
    raise CheckFailed(
        seen, "Two strides that were given up: how far apart are the inputs then? And does a rate ever end?"
    )
