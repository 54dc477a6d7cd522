"""The controls of the widget: each changes the setting of its name, and shows what code has changed."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

import ipywidgets
import numpy as np
import pytest
from live_fakes import SHAPE, FakeModel
from PIL import Image
from widget_tools import everything, find, make, text

import seglib
from seglib import Live


class CupModel(FakeModel):
    name, classes, class_names = "cups", (0, 1, 2), ("background", "saucer", "cup")


def panes_of(live: Live) -> list[str]:
    return [name for name in ("input", "labels", "mask", "result") if find(live, f"pane-{name}").value]


def background_of(live: Live) -> tuple[int, ...]:
    """The colour that the effect shows in a corner."""
    assert live.settings.effect is not None
    output = live.settings.effect(np.full(SHAPE, 9, np.uint8), np.zeros(SHAPE[:2], np.float32))
    return tuple(output[0, 0].tolist())


def upload(live: Live, name: str, content: bytes) -> None:
    file = {"name": name, "type": "image/png", "size": len(content), "content": memoryview(content)}
    find(live, "upload").value = (file | {"last_modified": datetime(2026, 1, 1)},)


@pytest.mark.parametrize("name", ["threshold", "feather", "smoothing"])
def test_a_slider_changes_the_setting_of_its_name(name: str) -> None:
    live = make()
    slider = find(live, name)
    for value in ((slider.min + slider.max) / 2, slider.max, slider.min):
        slider.value = value
        assert getattr(live.settings, name) == value
    assert text(live, "note") == ""


def test_boxes_and_lists_change_settings() -> None:
    live = make()
    find(live, "mirror").value = True
    find(live, "pane-input").value = True
    find(live, "keep").value = ("cat", "dog")
    find(live, "model").value = "fcn_resnet50"
    settings = live.settings
    assert (settings.mirror, settings.panes) == (True, ("input", "result", "mask"))
    assert (settings.keep, settings.model) == (("cat", "dog"), "fcn_resnet50")
    for name in ("input", "result", "mask"):
        find(live, f"pane-{name}").value = False
    assert live.settings.panes == ("result",), "one pane at least"


def test_changes_by_code_show_in_the_controls_and_wrong_ones_are_errors() -> None:
    live = make()
    with pytest.raises(ValueError, match="2"):
        live.change(threshold=2)
    live.change(threshold=0.4, keep=("cat",), panes=("labels",), mirror=True, feather=50)
    assert (find(live, "threshold").value, find(live, "keep").value) == (0.4, ("cat",))
    assert (panes_of(live), live.settings.panes, live.settings.mirror) == (["labels"], ("labels",), True)
    assert live.settings.feather == 50, "though the slider ends before"
    live.change(threshold=0.6)
    find(live, "threshold").value = 0.7
    assert live.settings.threshold == 0.7, "the controls still act"


def test_the_list_of_classes_is_the_models() -> None:
    live = make(model=CupModel())
    keep = find(live, "keep")
    assert live.settings.keep == keep.value == ("saucer", "cup")
    assert keep.options == ("saucer", "cup")
    keep.value = ("cup",)
    find(live, "model").value = "portrait"
    assert live.settings.keep == keep.value == ("person",)
    live.change(model=CupModel(), keep="cup")
    assert find(live, "model").label == "cups"
    assert (keep.options, keep.value) == (("cup", "saucer"), ("cup",))


def test_the_effect_and_its_details() -> None:
    live = make(effect="blur")
    strong = live.settings.effect
    find(live, "strength").value = 2.5
    assert live.settings.effect != strong
    assert find(live, "background").layout.display == "none"
    find(live, "effect").value = "substitute"
    assert find(live, "background").layout.display is None
    assert find(live, "strength").layout.display == "none"
    room = seglib.fit_image(seglib.sample_background("room"), SHAPE)
    assert background_of(live) == tuple(room[0, 0])
    find(live, "background").value = "a colour"
    find(live, "colour").value = "#102030"
    assert background_of(live) == (16, 32, 48)
    find(live, "background").value = "a picture of yours"
    content = io.BytesIO()
    Image.new("RGB", (8, 8), (1, 2, 3)).save(content, "PNG")
    upload(live, "mine.png", content.getvalue())
    assert background_of(live) == (1, 2, 3)
    find(live, "effect").value = "none"
    assert live.settings.effect is None


def test_a_background_of_ones_own_stays_in_the_list() -> None:
    live = make(effect="substitute", background=(7, 8, 9))
    assert background_of(live) == (7, 8, 9)
    find(live, "background").value = "beach"
    find(live, "background").value = "as given"
    assert background_of(live) == (7, 8, 9)


def test_a_broken_upload_is_told_and_changes_nothing() -> None:
    live = make(effect="substitute", background="beach")
    before = live.settings.effect
    upload(live, "holiday.png", b"not a picture")
    assert "holiday.png" in text(live, "note")
    assert "/" not in text(live, "note"), "the name only, not where it was put"
    assert live.settings.effect is before


@pytest.mark.parametrize(("source", "label"), [(7, "camera 7"), ("talk.mp4", "a file"), (lambda: None, "your own")])
def test_any_source_is_in_the_list(source: Any, label: str) -> None:
    assert find(make(source), "source").label == label


def test_every_control_has_a_name_and_a_class() -> None:
    no_controls = (ipywidgets.Label, ipywidgets.Box)
    controls = [widget for widget in everything(make().box) if not isinstance(widget, no_controls)]
    controls = [widget for widget in controls if hasattr(widget, "description")]
    assert len(controls) > 18
    for control in controls:
        assert control.description, control
        assert any(name.startswith("seglib-") for name in control._dom_classes), control
