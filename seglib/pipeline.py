"""The walk of one frame: predict, refine the mask, smooth it over time, apply the effect.

Everything that turns frames into outputs drives this one: ``Live``, ``process_video``, the command line and the bench.
The stages can be called one by one, so that a caller can overlap them in threads or time them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from seglib._internal.resizing import enlarge, small_view
from seglib.arrays import Frame, Labels, Mask, check_fraction, check_frames, check_positive
from seglib.classes import ClassName
from seglib.mask import clean_mask, feather, keep_largest
from seglib.temporal import Steady

if TYPE_CHECKING:
    from seglib.predict import Model

# effect(frame, mask) -> output. An effect whose attribute ``takes_time`` is true is called with the time of the frame
# in seconds as its third argument; one whose attribute ``transparent`` is true returns RGBA.
Effect: TypeAlias = Callable[[Frame, Mask], Frame]


@dataclass(frozen=True)
class Prediction:
    """The mask that a model predicts for a frame.

    Attributes
    ----------
    frame
        Image, (H, W, 3) uint8, RGB.
    view
        The frame at the size on which its mask is refined, (h, w, 3) uint8.
    mask
        (h, w) float32 in [0, 1], of the view's size.
    labels
        (H, W) uint8, if they were asked for.
    """

    frame: Frame
    view: Frame
    mask: Mask
    labels: Labels | None = None


@dataclass(frozen=True)
class Result:
    """What the pipeline makes of a frame.

    Attributes
    ----------
    frame
        The input, (H, W, 3) uint8, RGB.
    mask
        The finished alpha matte, (H, W) float32 in [0, 1].
    output
        (H, W, 3) uint8 RGB, or (H, W, 4) RGBA from a transparent effect; the frame itself without an effect.
    labels
        (H, W) uint8, if they were asked for.
    """

    frame: Frame
    mask: Mask
    output: Frame
    labels: Labels | None = None


class Pipeline:
    """The whole walk: ``walk = Pipeline(model, effect=Blur())``, then ``walk(frame)`` for each frame, in order.

    Parameters
    ----------
    model
        A loaded model, or a name for :func:`load_model`.
    keep
        Names or numbers of the classes to keep.
    clean
        Refine each mask with :func:`clean_mask`.
    only_largest
        Keep the largest region of each mask alone, with :func:`keep_largest`: the person in front.
    steady
        Smooth the masks over time with :class:`Steady`: True, False, or a ``Steady`` with settings of your own.
    effect
        ``effect(frame, mask) -> output``, such as :class:`Blur`; None shows the frame as it is.
    threshold
        Probability from which a pixel is kept, in (0, 1), see :func:`clean_mask`.
    feather
        How far the edge is softened, in pixels, 0 or more, see :func:`feather`.
    labels
        Predict the labels, too.

    Raises
    ------
    ValueError
        If the model has no such class, or ``threshold`` or ``feather`` is out of range.
    TypeError
        If ``model`` is something else.

    Notes
    -----
    ``predict``, ``refine``, ``smooth`` and ``render`` are the stages. All attributes may be changed between frames.
    One pipeline serves one video: ``smooth`` remembers the frames before.

    Examples
    --------
    >>> walk = seglib.Pipeline(effect=seglib.Blur())
    >>> walk(seglib.sample_frame()).output.shape
    (480, 640, 3)
    """

    def __init__(
        self,
        model: "str | Model" = "portrait",
        *,
        keep: ClassName | Iterable[ClassName] = ("person",),
        clean: bool = True,
        only_largest: bool = False,
        steady: bool | Steady = True,
        effect: Effect | None = None,
        threshold: float = 0.5,
        feather: float = 0.0,
        labels: bool = False,
    ) -> None:
        from seglib.predict import load_model  # imported here: it takes a second

        self.model = load_model(model) if isinstance(model, str) else model
        if not hasattr(self.model, "masks"):
            raise TypeError(f"model is {type(model).__name__}, but must be a name, or from load_model or wrap_model")
        self.keep = self.model.class_numbers(keep)
        self.clean = clean
        self.only_largest = only_largest
        self.steady = Steady() if steady is True else steady or None
        self.effect = effect
        self.threshold = check_fraction(threshold, "threshold")
        self.feather = feather if feather == 0 else check_positive(feather, "feather")
        self.labels = labels
        self._rendered = 0

    def __call__(self, frame: Frame, time: float | None = None) -> Result:
        """Take one frame through all stages; ``time`` in seconds is for effects that need it."""
        [prediction] = self.predict([frame])
        prediction = self.refine(prediction)
        mask = self.smooth(prediction)
        return Result(frame, mask, self.render(frame, mask, time), prediction.labels)

    def reset(self) -> None:
        """Forget the frames before, as at a cut."""
        if self.steady is not None:
            self.steady.reset()

    def predict(self, frames: Sequence[Frame]) -> list[Prediction]:
        """Predict the masks of one or more frames of one size.

        Parameters
        ----------
        frames
            Images, each (H, W, 3) uint8, RGB. ``model.batch`` of them at a time take the least time for each.

        Raises
        ------
        ValueError
            If there are no frames, or their sizes differ.
        """
        frames = check_frames(frames)
        views = [small_view(frame) for frame in frames] if self.clean else frames
        height, width = views[0].shape[:2]
        if self.keep:
            masks = self.model.masks(frames, self.keep, size=(width, height))
        else:  # the model knows none of the classes that are asked for
            masks = np.zeros((len(frames), height, width), np.float32)
        labels = [self._labels(*pair) if self.labels else None for pair in zip(frames, masks, strict=True)]
        return [Prediction(*parts) for parts in zip(frames, views, masks, labels, strict=True)]

    def refine(self, prediction: Prediction) -> Prediction:
        """Clean the mask of one frame."""
        mask = prediction.mask
        if self.clean:
            mask = clean_mask(mask, prediction.view, self.threshold)
        return replace(prediction, mask=keep_largest(mask) if self.only_largest else mask)

    def smooth(self, prediction: Prediction, smoothing: float | None = None) -> Mask:
        """Smooth the mask over time and bring it to the frame's size.

        Parameters
        ----------
        prediction
            Of the frame that follows the one before.
        smoothing
            Instead of the setting of ``steady``, for this frame only; see :class:`Steady`.

        Returns
        -------
        Mask
            (H, W) float32 in [0, 1].
        """
        mask = prediction.mask
        if self.steady is not None:
            mask = self.steady(mask, prediction.view, smoothing)
        mask = enlarge(mask, prediction.frame)
        return feather(mask, self.feather) if self.feather > 0 else mask

    def render(self, frame: Frame, mask: Mask, time: float | None = None) -> Frame:
        """Apply the effect.

        Parameters
        ----------
        frame
            Image, (H, W, 3) uint8, RGB.
        mask
            (H, W) float32 in [0, 1].
        time
            When the frame is shown, in seconds, for an effect that ``takes_time``.

        Raises
        ------
        TypeError, ValueError
            If the output is not an image of the frame's size; and whatever the effect raises, with a note.
        """
        if self.effect is None:
            return frame
        number, self._rendered = self._rendered, self._rendered + 1
        call: Any = self.effect
        try:
            output = call(frame, mask, time) if takes_time(self.effect) else call(frame, mask)
            return _check_output(output, (*frame.shape[:2], 4 if is_transparent(self.effect) else 3))
        except Exception as error:
            error.add_note(f"(raised by the effect at frame {number})")
            raise

    def _labels(self, frame: Frame, mask: Mask) -> Labels:
        """The labels of a frame. A network with two classes need not run again: its mask tells them."""
        known = self.model.classes
        if len(known) == 2 and list(self.keep) == [known[1]]:
            return (enlarge(mask, frame) > 0.5).astype(np.uint8) * np.uint8(known[1])
        return self.model.labels(frame)


def is_transparent(effect: Effect | None) -> bool:
    """Whether the outputs of an effect have an alpha channel."""
    return bool(getattr(effect, "transparent", False))


def takes_time(effect: Effect | None) -> bool:
    """Whether an effect is called with the time of the frame."""
    return bool(getattr(effect, "takes_time", False))


def _check_output(output: object, shape: tuple[int, ...]) -> Frame:
    if not isinstance(output, np.ndarray):
        raise TypeError(f"effect returned {type(output).__name__}, not an array {shape} uint8")
    if output.shape != shape or output.dtype != np.uint8:
        raise ValueError(f"effect returned {output.shape} {output.dtype}, not {shape} uint8")
    return output
