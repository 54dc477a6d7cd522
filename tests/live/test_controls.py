"""The controls of the widget: each changes the setting of its name, and shows what code has changed."""

from __future__ import annotations

import io
from typing import Any

import ipywidgets
import numpy as np
import pytest
from live_fakes import SHAPE, FakeModel
from PIL import Image
from widget_tools import everything, find, make, text

import seglib
from seglib import Live
from seglib.live.settings import RelativeBlur


class CupModel(FakeModel):
    name, classes, class_names = "cups", (0, 1, 2), ("background", "saucer", "cup")


def panes_of(live: Live) -> list[str]:
    return [name for name in ("input", "labels", "mask", "result") if find(live, f"pane-{name}").value]


def background_of(live: Live) -> tuple[int, ...]:
    """The colour that the effect shows in a corner."""
    assert live.settings.effect is not None
    output = live.settings.effect(np.full(SHAPE, 9, np.uint8), np.zeros(SHAPE[:2], np.float32))
    return tuple(output[0, 0].tolist())


def upload(live: Live, name: str, content: bytes, **message: str) -> None:
    data = {"method": "custom", "content": {"kind": "picture", "name": name, **message}}
    find(live, "upload").comm.handle_msg({"content": {"data": data}, "buffers": [memoryview(content)]})


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
    find(live, "only_largest").value = True
    find(live, "pane-input").value = True
    find(live, "keep").value = ("cat", "dog")
    find(live, "model").value = "fcn_resnet50"
    settings = live.settings
    assert (settings.mirror, settings.only_largest, settings.panes) == (True, True, ("input", "result", "mask"))
    assert (settings.keep, settings.model) == (("cat", "dog"), "fcn_resnet50")
    for name in ("input", "result", "mask"):
        find(live, f"pane-{name}").value = False
    assert live.settings.panes == ("mask",), "one pane at least"
    assert panes_of(live) == ["mask"], "and it is shown which"
    assert "one picture" in text(live, "note")
    find(live, "pane-input").value = True
    assert text(live, "note") == ""


def test_changes_by_code_show_in_the_controls_and_wrong_ones_are_errors() -> None:
    live = make()
    with pytest.raises(ValueError, match="2"):
        live.change(threshold=2)
    live.change(threshold=0.4, keep=("cat",), panes=("labels",), mirror=True, feather=50)
    assert (find(live, "threshold").value, find(live, "keep").value) == (0.4, ("cat",))
    assert (panes_of(live), live.settings.panes, live.settings.mirror) == (["labels"], ("labels",), True)
    assert live.settings.feather == 50, "though the slider ends before"
    live.change(only_largest=True)
    assert find(live, "only_largest").value
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
    assert background_of(live) == (16, 32, 48), "until there is one"
    assert "picture" in text(live, "note")
    content = io.BytesIO()
    Image.new("RGB", (8, 8), (1, 2, 3)).save(content, "PNG")
    upload(live, "mine.png", content.getvalue())
    assert background_of(live) == (1, 2, 3)
    assert text(live, "note") == ""
    find(live, "effect").value = "none"
    assert live.settings.effect is None


def test_a_colour_that_is_none_is_told_and_the_old_one_shown() -> None:
    live = make(effect="substitute")
    find(live, "background").value = "a colour"
    colour, palette = find(live, "colour"), find(live, "palette")
    for name, (rgb, code) in {
        "RebeccaPurple": ((102, 51, 153), "#663399"),
        " #abc": ((170, 187, 204), "#aabbcc"),
    }.items():
        colour.value = name
        assert (background_of(live), palette.value) == (rgb, code)
    for wrong in ("#12", "notacolour", "", "room", "talk.mp4"):
        colour.value = wrong
        assert repr(wrong) in text(live, "note")
        assert (colour.value, palette.value) == (" #abc", "#aabbcc")
        assert background_of(live) == (170, 187, 204)
    palette.value = "#010203"
    assert (colour.value, background_of(live), text(live, "note")) == ("#010203", (1, 2, 3), "")


def test_no_class_to_keep_is_told_and_the_old_ones_shown() -> None:
    live = make(keep=("cat", "dog"))
    keep = find(live, "keep")
    keep.value = ()
    assert keep.value == live.settings.keep == ("cat", "dog")
    assert "one class" in text(live, "note")
    keep.value = ("cow",)
    assert (live.settings.keep, text(live, "note")) == (("cow",), "")


def test_an_effect_that_code_has_changed_is_shown() -> None:
    live = make(effect="blur")
    live.change(effect=None)
    assert find(live, "effect").value == "none"
    live.change(effect=RelativeBlur(2.5))
    assert (find(live, "effect").value, find(live, "strength").value) == ("blur", 2.5)
    own = seglib.Replace("beach")
    live.change(effect=own)
    assert find(live, "effect").label == "your own"
    assert find(live, "strength").layout.display == "none"
    find(live, "effect").value = "none"
    find(live, "effect").value = "yours"
    assert live.settings.effect is own


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
    content = io.BytesIO()
    Image.new("RGB", (8, 8)).save(content, "GIF")
    upload(live, "other.gif", content.getvalue())
    assert text(live, "note") == "", "the message goes with its cause"


def test_what_the_page_says_of_an_upload_is_told() -> None:
    live = make(effect="substitute", background="beach")
    upload(live, "video.mp4", b"", kind="refused", text="video.mp4 is too large")
    assert "too large" in text(live, "note")
    find(live, "background").value = "a picture of yours"
    content = io.BytesIO()
    first, second = (Image.new("RGB", (8, 8), colour) for colour in ("black", "white"))
    first.save(content, "GIF", save_all=True, append_images=[second])
    upload(live, "waving.gif", content.getvalue())
    assert background_of(live) == (0, 0, 0)
    assert "waving.gif" in text(live, "note"), "that only its first picture is used"


@pytest.mark.parametrize(("source", "label"), [(7, "camera 7"), ("talk.mp4", "a file"), (lambda: None, "your own")])
def test_any_source_is_in_the_list(source: Any, label: str) -> None:
    assert find(make(source), "source").label == label


def test_the_cameras_that_exist_are_in_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    cameras = {2: "Integrated Camera"}
    monkeypatch.setattr("seglib.live.controls.camera_names", lambda: cameras)
    live = make(5)
    source = find(live, "source")
    labels = [label for label, _ in source.options if label.startswith("camera ")]
    assert labels == ["camera 2: Integrated Camera", "camera 5"]
    cameras[0] = "Telescope"
    live = make("clip")
    source = find(live, "source")
    del cameras[2]
    live.start()  # the list is made anew
    assert [value for _, value in source.options] == ["auto", "clip", 0, "browser", "file"]
    assert source.value == "clip"


def test_every_control_has_a_name_and_a_class() -> None:
    no_controls = (ipywidgets.Label, ipywidgets.Box)
    controls = [widget for widget in everything(make().box) if not isinstance(widget, no_controls)]
    controls = [widget for widget in controls if hasattr(widget, "description")]
    assert len(controls) > 18
    for control in controls:
        assert control.description, control
        assert control.tooltip, control  # the page shows "null" otherwise
        assert any(name.startswith("seglib-") for name in control._dom_classes), control
