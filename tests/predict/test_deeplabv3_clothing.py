"""The embedded DeepLabv3: classes of its own, the same in both runtimes, and parts found where they are."""

from __future__ import annotations

import numpy as np
import pytest

import seglib

PLACES = {"hair": (60, 320), "skin": (140, 320), "top": (420, 200), "background": (60, 500)}  # row, column


@pytest.fixture(scope="module")
def model() -> seglib.Model:
    return seglib.load_model("deeplabv3_clothing")


def test_the_labels_of_the_recorded_frame_are_right_at_a_glance(model: seglib.Model) -> None:
    labels = model.labels(seglib.sample_frame())
    found = {name: model.class_names[labels[place]] for name, place in PLACES.items()}
    assert len(model.class_names) == 9
    assert found == {name: name for name in PLACES}


def test_the_parts_make_the_person(model: seglib.Model) -> None:
    person = model.mask(seglib.sample_frame(), keep=model.class_names[1:])
    assert seglib.iou(person, seglib.sample_mask()) > 0.9


def test_both_runtimes_agree(model: seglib.Model) -> None:
    frame = seglib.sample_frame("hopper")
    by_torch = seglib.load_model("deeplabv3_clothing", runtime="torch")
    np.testing.assert_allclose(model.probabilities(frame), by_torch.probabilities(frame), atol=0.01)


def test_classes_of_other_models_are_unknown(model: seglib.Model) -> None:
    with pytest.raises(ValueError, match="hair"):
        model.mask(seglib.sample_frame(), keep="person")


def test_a_pipeline_keeps_a_part(model: seglib.Model) -> None:
    result = seglib.Pipeline(model, keep=("hair", "skin"), effect=seglib.Replace("navy"))(seglib.sample_frame())
    assert result.mask[PLACES["skin"]] > 0.9
    assert tuple(result.output[PLACES["top"]]) == (0, 0, 128)
