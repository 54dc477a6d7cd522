"""A picture below sliders: turn a parameter, and see what it does."""

from base64 import b64encode
from collections.abc import Callable
from inspect import signature
from typing import Any

from seglib.arrays import Frame


def explore(draw: Callable[..., Frame], alt: str, **ranges: Any) -> None:
    """Show a picture below sliders that redraw it; without a kernel, the picture at its defaults.

    Parameters
    ----------
    draw
        Function of the sliders' values, each with a default, that returns an (H, W, 3) uint8 RGB image.
    alt
        Text for those who cannot see the picture.
    **ranges
        For each parameter of ``draw`` its (minimum, maximum, step), as :func:`ipywidgets.interact` takes it.

    Examples
    --------
    >>> def grey(level=128):
    ...     return np.full((40, 60, 3), level, np.uint8)
    >>> explore(grey, "A grey square", level=(0, 255, 5))  # doctest: +ELLIPSIS
    {'text/plain': 'A grey square'...
    """
    from IPython.display import display

    box = slider_box(draw, ranges)
    bundle: dict[str, Any] = dict(box._repr_mimebundle_() or {})  # the sliders, for a page with a kernel
    bundle["image/jpeg"] = b64encode(box.children[-1].value).decode()
    bundle["text/plain"] = alt
    display(bundle, metadata={"image/jpeg": {"alt": alt}}, raw=True)


def slider_box(draw: Callable[..., Frame], ranges: dict[str, Any]) -> Any:
    """Return a box of the sliders and the picture."""
    import ipywidgets as widgets

    from seglib.live.jpeg import encode_jpeg

    picture = widgets.Image(format="jpeg", layout={"max_width": "100%", "object_fit": "contain"})
    sliders = {}
    for name, limits in ranges.items():
        default = signature(draw).parameters[name].default
        sliders[name] = widgets.interactive.widget_from_abbrev(limits, default)
        sliders[name].description = name

    def redraw(change: Any = None) -> None:
        picture.value = encode_jpeg(draw(**{name: slider.value for name, slider in sliders.items()}))

    for slider in sliders.values():
        slider.observe(redraw, "value")
    redraw()
    return widgets.VBox([*sliders.values(), picture])
