"""A picture below sliders: turn a parameter, and see what it does."""

from collections.abc import Callable
from inspect import signature
from typing import Any

from seglib._internal.accessible import accessible
from seglib.plots import picture_html


def explore(draw: Callable[..., Any], alt: str, **ranges: Any) -> None:
    """Show a picture below sliders that redraw it; without a kernel, the picture at its defaults.

    Parameters
    ----------
    draw
        Function of the sliders' values, each with a default, that returns an (H, W, 3) uint8 RGB image or a
        matplotlib figure.
    alt
        Text for those who cannot see the picture.
    **ranges
        For each parameter of ``draw`` its (minimum, maximum, step), as :func:`ipywidgets.interact` takes it.

    Examples
    --------
    >>> def grey(level=128):
    ...     return np.full((40, 60, 3), level, np.uint8)
    >>> explore(grey, "A grey square", level=(0, 255, 5))  # doctest: +ELLIPSIS
    {'text/plain': '<picture: A grey square>'...
    """
    from IPython.display import display

    box = slider_box(draw, alt, ranges)
    bundle: dict[str, Any] = dict(accessible(box)._repr_mimebundle_() or {})  # the sliders, for a page with a kernel
    bundle["text/html"] = box.children[-1].value
    bundle["text/plain"] = f"<picture: {alt}>"
    display(bundle, raw=True)


def slider_box(draw: Callable[..., Any], alt: str, ranges: dict[str, Any]) -> Any:
    """Return a box of the sliders and the picture."""
    import ipywidgets as widgets
    import matplotlib.pyplot as plt

    picture = widgets.HTML()
    sliders = {}
    for name, limits in ranges.items():
        default = signature(draw).parameters[name].default
        sliders[name] = widgets.interactive.widget_from_abbrev(limits, default)
        sliders[name].description = name

    def redraw(change: Any = None) -> None:
        drawn = draw(**{name: slider.value for name, slider in sliders.items()})
        picture.value = picture_html(drawn, alt)
        if hasattr(drawn, "savefig"):
            plt.close(drawn)

    for slider in sliders.values():
        slider.observe(redraw, "value")
    redraw()
    return widgets.VBox([*sliders.values(), picture])
