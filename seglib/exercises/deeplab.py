"""The exercises of ``08_inside_deeplabv3.ipynb``: atrous convolution, receptive field, from strides to rates."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from seglib.exercises.checks import CheckFailed, Submission, describe, exercise
from seglib.exercises.outputs import Array, Mistake, as_array, difference, reject_mistakes, require_shape

Layer: TypeAlias = tuple[int, int, int]  # kernel size, stride, rate
StridedLayer: TypeAlias = tuple[int, int]  # kernel size, stride

_NOTEBOOK = "08_inside_deeplabv3"


def _resnet(counts: Sequence[int]) -> list[StridedLayer]:
    """The layers of a ResNet with bottlenecks: the first convolution, the pooling, four stages."""
    blocks = [(number, stage) for stage, count in enumerate(counts) for number in range(count)]
    strides = [2 if stage and not number else 1 for number, stage in blocks]
    return [(7, 2), (3, 2), *(layer for stride in strides for layer in ((1, 1), (3, stride), (1, 1)))]


@exercise("atrous", _NOTEBOOK)
def check_atrous(atrous: Submission) -> str:
    """``atrous(image, kernel, rate)`` returns the atrous convolution, of the image's size, with zeros outside it."""
    rng = np.random.default_rng(8)
    for shape, size, rate in (((9, 12), 3, 2), ((9, 12), 3, 1), ((11, 8), 5, 3), ((5, 6), 3, 7)):
        image, kernel = rng.normal(size=shape), rng.normal(size=(size, size))
        result = as_array(atrous(image, kernel, rate), "atrous", "(H, W)")
        _require_same_size(result, image, size, rate)
        expected = _convolve(image, kernel, rate)
        if not difference(result, expected) < 1e-4:
            reject_mistakes(result, _wrong_convolutions(image, kernel, rate), 1e-6)
            raise CheckFailed(
                f"at rate {rate} it differs from PyTorch's by up to {difference(result, expected):.2f}",
                "Try an image that is 1 at one pixel and 0 elsewhere. Where does each number of the kernel appear?",
            )
    return "two kernels, rates 1, 2, 3 and 7, the last of them larger than the image"


def _convolve(image: Array, kernel: Array, rate: int, mode: Any = "constant") -> Array:
    reach = rate * (len(kernel) // 2)
    windows = sliding_window_view(np.pad(image, reach, mode=mode), (2 * reach + 1, 2 * reach + 1))
    return np.asarray(np.einsum("hwij,ij->hw", windows[..., ::rate, ::rate], kernel))


def _require_same_size(result: Array, image: Array, size: int, rate: int) -> None:
    observed = f"an image {image.shape} became {result.shape}"
    if result.shape == tuple(side - rate * (size - 1) for side in image.shape):
        raise CheckFailed(observed, "The border is missing. How many zeros does each side need at this rate?")
    if rate > 1 and result.shape == image[::rate, ::rate].shape:
        raise CheckFailed(
            observed, "That is a stride, which skips outputs. A rate skips inputs and keeps every output."
        )
    require_shape(result, image.shape, "atrous")


def _wrong_convolutions(image: Array, kernel: Array, rate: int) -> list[Mistake]:
    mistakes = [
        Mistake(
            _convolve(image, kernel[::-1, ::-1], rate),
            "the kernel is flipped",
            "Mathematics flips the kernel, networks do not: its top left number belongs to the top left pixel.",
        ),
        Mistake(
            _convolve(image, kernel.T, rate),
            "rows and columns of the kernel are swapped",
            "Which of the two indices moves down in the image?",
        ),
        Mistake(
            _convolve(image, kernel, rate, "wrap"),
            "what leaves the image on one side comes back on the other",
            "np.roll wraps around. Outside the image there should be zeros.",
        ),
        Mistake(
            _convolve(image, kernel, rate, "edge"),
            "the border is repeated",
            "Only zeros lie outside here. What is the default mode of np.pad?",
        ),
        Mistake(image, "the image is unchanged", "Each output is a sum of products. Where is the kernel used?"),
    ]
    if rate > 1:
        mistakes += [
            Mistake(
                _convolve(image, kernel, 1),
                "it is the ordinary convolution",
                "Is the rate used where you look up the next pixel?",
            ),
            Mistake(
                _convolve(image, kernel, rate + 1),
                f"the inputs are {rate + 1} pixels apart",
                "At rate 2, one pixel is skipped between two inputs, not two.",
            ),
        ]
    return mistakes


@exercise("receptive_field", _NOTEBOOK)
def check_receptive_field(receptive_field: Submission) -> str:
    """``receptive_field(layers)`` returns the width in pixels; a layer is ``(kernel, stride, rate)``."""
    resnet = _resnet((3, 4, 6, 3))
    cases: list[tuple[str, list[Layer]]] = [
        ("one 3×3 layer", [(3, 1, 1)]),
        ("one 5×5 layer of rate 3", [(5, 1, 3)]),
        ("three 3×3 layers, the first of stride 2", [(3, 2, 1), (3, 1, 1), (3, 1, 1)]),
        ("a 3×3 layer of stride 2 and rate 2, then two 3×3 layers of stride 2", [(3, 2, 2), (3, 2, 1), (3, 2, 1)]),
        ("ResNet-50", [(kernel, stride, 1) for kernel, stride in resnet]),
        ("ResNet-50 at output stride 8", _to_atrous(resnet, 8)),
        ("a network without layers", []),
    ]
    for name, layers in cases:
        _require_field(receptive_field(list(layers)), name, layers)
    return "seven networks, among them ResNet-50 with strides and with rates"


def _receptive_field(layers: Iterable[Layer]) -> int:
    """Computed from the last layer back to the image."""
    field = 1
    for kernel, stride, rate in reversed(list(layers)):
        field = (field - 1) * stride + rate * (kernel - 1) + 1
    return field


def _require_field(value: Any, name: str, layers: Sequence[Layer]) -> None:
    expected = _receptive_field(layers)
    if isinstance(value, str):
        raise CheckFailed(f"receptive_field returned {describe(value)}", "Return a number, without quotes.")
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise CheckFailed(
            f"receptive_field returned {describe(value)}", "Return one number, the width in pixels."
        ) from None
    if number == expected:
        return
    mistakes = {
        "Use the rate. How far apart are the outer inputs of a kernel of 3 at rate 2?": _receptive_field(
            (kernel, stride, 1) for kernel, stride, _ in layers
        ),
        "Use the strides. How far apart in the image are two neighbours after a stride of 2?": _receptive_field(
            (kernel, 1, rate) for kernel, _, rate in layers
        ),
        "Does a layer's stride widen its own receptive field, or that of the layers after it?": _forward(
            layers, stride_first=True
        ),
        "A kernel of 3 reaches one pixel to either side: it adds 2, not 3.": _forward(layers, extra=1),
        "Start with the pixel itself: before any layer the receptive field is 1.": expected - 1,
        "Strides multiply: after 2 and 2, two neighbours are 4 pixels apart.": _forward(layers, forget=True),
        "That is the distance between two neighbours. Return the width that one of them depends on.": int(
            np.prod([stride for _, stride, _ in layers])
        ),
    }
    observed = f"{name} gave {describe(value)}"
    for hint, wrong in mistakes.items():
        if number == wrong:
            raise CheckFailed(observed, hint)
    raise CheckFailed(observed, "Draw a row of pixels, and lines from one output back to all pixels it depends on.")


def _forward(layers: Sequence[Layer], extra: int = 0, stride_first: bool = False, forget: bool = False) -> int:
    """Computed from the image on, with one of the common mistakes."""
    field, jump = 1, 1
    for kernel, stride, rate in layers:
        after = stride if forget else jump * stride
        field += (kernel - 1 + extra) * rate * (after if stride_first else jump)
        jump = after
    return field


@exercise("make_atrous", _NOTEBOOK)
def check_make_atrous(make_atrous: Submission) -> str:
    """``make_atrous(layers, output_stride)`` turns each ``(kernel, stride)`` into ``(kernel, stride, rate)``."""
    small = [(3, 2), (3, 1), (3, 2), (3, 1), (3, 2), (3, 1), (3, 2), (3, 1)]
    cases = [(small, 4), (small, 8), (small, 16), (small, 1), (_resnet((3, 4, 6, 3)), 16), (_resnet((3, 4, 23, 3)), 8)]
    for layers, output_stride in cases:
        result = make_atrous(list(layers), output_stride)
        if not isinstance(result, list | tuple):
            raise CheckFailed(f"make_atrous returned {describe(result)}", "Return a list of (kernel, stride, rate).")
        _require_layers(result, layers, output_stride)
    return "output strides 1 to 16, on a network of eight layers, ResNet-50 and ResNet-101"


def _to_atrous(layers: Iterable[StridedLayer], output_stride: int) -> list[Layer]:
    """Give each layer its rate by the distance that its inputs had before."""
    result, jump = [], 1
    for kernel, stride in layers:
        kept = min(stride, max(1, output_stride // jump))
        result.append((kernel, kept, max(1, jump // output_stride)))
        jump *= stride
    return result


def _require_layers(result: Sequence[Any], layers: Sequence[StridedLayer], output_stride: int) -> None:
    expected = _to_atrous(layers, output_stride)
    try:
        rows = [tuple(int(number) for number in row) for row in result]
    except (TypeError, ValueError):
        raise CheckFailed("a layer of the result is not a few integers", "Each is (kernel, stride, rate).") from None
    if len(rows) != len(layers):
        raise CheckFailed(f"{len(layers)} layers became {len(rows)}", "Keep the number of layers.")
    if any(len(row) != 3 for row in rows):
        raise CheckFailed("a layer of the result does not have three numbers", "Each is (kernel, stride, rate).")
    different = [number for number, (row, right) in enumerate(zip(rows, expected, strict=True)) if row != right]
    if not different:
        return
    first = different[0]
    observed = f"at output stride {output_stride}, layer {first} of {len(rows)} became {rows[first]}"
    strides = [stride for _, stride, _ in rows]
    if rows[first][0] != layers[first][0]:
        raise CheckFailed(observed, "Kernels keep their size, or the trained weights would not fit.")
    if [(kernel, stride, rate) for kernel, rate, stride in rows] == expected:
        raise CheckFailed(observed, "The order is (kernel, stride, rate). Are stride and rate swapped?")
    if np.prod(strides) > output_stride:
        raise CheckFailed(observed, f"The product of all strides is {np.prod(strides)}. Which ones must become 1?")
    if strides != [stride for _, stride, _ in expected]:
        raise CheckFailed(observed, "Keep the strides from the first layer on, as long as they fit.")
    if all(rate == 1 for *_, rate in rows):
        raise CheckFailed(
            observed, "Without strides and rates, later layers have a smaller receptive field than before."
        )
    if rows[first][2] > expected[first][2]:
        raise CheckFailed(
            observed, "Removing a layer's stride does not move its own inputs. Which layers need the rate?"
        )
    raise CheckFailed(
        observed, "After two removed strides, how far apart must the inputs be? And does a rate ever end?"
    )
