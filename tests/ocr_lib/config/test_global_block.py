"""The block Global."""

from typing import Any

import pytest

from ocr_lib.config.global_block import IGNORED, GlobalConfig
from ocr_lib.config.loader import config_from_dict
from ocr_lib.config.location import FieldError

ARCHITECTURE = {"Architecture": {"Backbone": {"name": "MobileNetV3"}, "Head": {"name": "CTCHead"}}}


def test_one_evaluation_step_is_the_distance_between_two() -> None:
    assert GlobalConfig(eval_batch_step=(500,)).eval_batch_step == (0, 500)
    assert GlobalConfig(eval_batch_step=(100, 500)).eval_batch_step == (100, 500)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epoch_num": 0}, "epoch_num: is 0. Write 1 or more"),
        ({"seed": -1}, "seed: is -1. Write 0 or more"),
        ({"save_minutes": 0}, "save_minutes: is 0. Write more than 0"),
        ({"ema_decay": 1.0}, "ema_decay: is 1.0. Write less than 1"),
        ({"ema_decay": 0.0}, "ema_decay: is 0.0. Write more than 0"),
        ({"eval_batch_step": ()}, r"eval_batch_step: is \[\]. Write \[first step"),
        ({"eval_batch_step": (0, 0)}, r"eval_batch_step: is \[0, 0\]"),
        ({"eval_batch_step": (0, 1, 2)}, r"eval_batch_step: is \[0, 1, 2\]"),
        ({"width_buckets": ()}, r"width_buckets: is \[\]. Write widths in px"),
        ({"width_buckets": (96, 64)}, r"width_buckets: is \[96, 64\]"),
        ({"width_buckets": (64, 64)}, r"width_buckets: is \[64, 64\]"),
        ({"width_buckets": (0, 64)}, r"width_buckets: is \[0, 64\]"),
    ],
)
def test_values_out_of_range_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(FieldError, match=f"GlobalConfig.{message}"):
        GlobalConfig(**values)


def test_keys_that_change_nothing_are_kept_as_they_are() -> None:
    values = dict.fromkeys(IGNORED, "anything")
    settings = config_from_dict({**ARCHITECTURE, "Global": values}).global_
    assert settings.ignored_keys == values
    assert settings == GlobalConfig(ignored_keys=values)
