"""Settings are checked when they are changed, and follow the classes of the model."""

from typing import Any

import numpy as np
import pytest
from live_fakes import FakeModel, current

import seglib
from seglib.live.settings import RelativeBlur, choose_classes, make_effect


class CupModel(FakeModel):
    name, classes, class_names = "cups", (0, 1), ("background", "cup")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"threshold": 1.5}, "1.5"),
        ({"feather": -1}, "-1"),
        ({"smoothing": 1.0}, "1.0"),
        ({"panes": ()}, "panes are none"),
        ({"panes": ("result", "masks")}, "input, labels, mask, result"),
        ({"keep": ("persons",)}, "'persons'.* person"),
        ({"keep": ()}, "empty"),
        ({"model": "portrat"}, "portrat.*nearest first: portrait"),
        ({"model": 5}, "unknown model 5"),
        ({"model": CupModel(), "keep": ("person",)}, "'person'.* cup"),
        ({"effect": seglib.video.CutOut()}, "transparent"),
    ],
)
def test_a_value_that_does_not_fit_is_an_error_and_changes_nothing(wrong: dict[str, Any], words: str) -> None:
    settings = current(threshold=0.4)
    with pytest.raises(ValueError, match=words):
        settings.change(**({"threshold": 0.6} | wrong))
    assert settings.get().threshold == 0.4


def test_an_effect_must_be_callable() -> None:
    with pytest.raises(TypeError, match="3"):
        current().change(effect=3)


def test_the_kept_classes_follow_the_model() -> None:
    settings = current(keep=("person", "cat"))
    assert settings.change(model=CupModel()).keep == ("cup",)
    assert settings.change(model=FakeModel(), keep=("cat", 15)).keep == ("cat", 15)
    assert settings.change(model="portrait").keep == ("cat", 15)
    assert settings.change(keep="dog").keep == ("dog",)
    assert choose_classes("portrait") == ("person",)


def test_effects_by_name() -> None:
    frame, mask = seglib.sample_frame(), seglib.sample_mask()
    assert make_effect("none") is None
    assert make_effect(None) is None
    assert make_effect(seglib.Blur) is seglib.Blur
    expected = {
        make_effect("blur", strength=2): seglib.blur_background(frame, mask, sigma=16),
        make_effect("substitute", background="navy"): seglib.replace_background(frame, mask, "navy"),
    }
    for effect, output in expected.items():
        assert effect is not None
        np.testing.assert_array_equal(effect(frame, mask), output)
    with pytest.raises(ValueError, match=r"'blurr'.*none, blur, substitute"):
        make_effect("blurr")
    with pytest.raises(ValueError, match="strength"):
        RelativeBlur(0)
