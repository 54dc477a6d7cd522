"""Checks for the notebooks' exercises: ``exercises.check_shrink(shrink)`` tests a learner's function.

Each check prints ``correct``, or ``not yet`` with what it observed and a hint; it never raises. It calls the function
with inputs that are in no notebook, and compares the result with a solution that is computed in another way.

Read ``checks`` first (how a check works), then the module of any notebook. ``outputs`` validates what a function
returned, ``time_limit`` ends endless loops. ``notebooks/solutions`` holds one solution to each exercise.
"""

from seglib.exercises.blur import check_blur_more, check_blur_person, check_no_halo
from seglib.exercises.capture import check_count_frames, check_every_third, check_shrink
from seglib.exercises.clinic import (
    check_change,
    check_compose,
    check_half_size_mask,
    check_keep_frames,
    check_largest_object,
    check_load_photo,
    check_normalise,
    check_person_probability,
    check_split_files,
    check_to_labels,
)
from seglib.exercises.deeplab import check_atrous, check_make_atrous, check_receptive_field
from seglib.exercises.faster import check_predict_every, check_rates
from seglib.exercises.live import check_blur_slider, check_newest
from seglib.exercises.mask import check_keep_middle, check_keep_two, check_soft_edge
from seglib.exercises.predict import check_class_iou, check_confusion_matrix, check_prepare, check_softmax
from seglib.exercises.quiz import ask
from seglib.exercises.sliders import explore
from seglib.exercises.substitute import check_add_logo, check_cover, check_moving
from seglib.exercises.train import check_labelled_loss, check_train_step
from seglib.exercises.video import check_black_and_white, check_night, check_worst_error

__all__ = [
    "ask",
    "check_add_logo",
    "check_atrous",
    "check_black_and_white",
    "check_blur_more",
    "check_blur_person",
    "check_blur_slider",
    "check_change",
    "check_class_iou",
    "check_compose",
    "check_confusion_matrix",
    "check_count_frames",
    "check_cover",
    "check_every_third",
    "check_half_size_mask",
    "check_keep_frames",
    "check_keep_middle",
    "check_keep_two",
    "check_labelled_loss",
    "check_largest_object",
    "check_load_photo",
    "check_make_atrous",
    "check_moving",
    "check_newest",
    "check_night",
    "check_no_halo",
    "check_normalise",
    "check_person_probability",
    "check_predict_every",
    "check_prepare",
    "check_rates",
    "check_receptive_field",
    "check_shrink",
    "check_soft_edge",
    "check_softmax",
    "check_split_files",
    "check_to_labels",
    "check_train_step",
    "check_worst_error",
    "explore",
]
