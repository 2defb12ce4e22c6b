import json
from pathlib import Path

import numpy as np
import pytest

from ocr_lib.algorithms.ctc_steps import has_ctc, time_steps
from ocr_lib.config.loader import load_config
from ocr_lib.config.shipped import shipped_configs
from ocr_lib.errors import ConfigError

RESIZE = ("RecResizeImg", "SVTRRecResizeImg")


def steps(name: str, width: int, **kwargs: bool) -> int:
    return time_steps(load_config(name).architecture, width, **kwargs)


@pytest.mark.parametrize(
    ("name", "by_width"),
    [
        ("rec_en_number_lite_train", {320: 80, 100: 25, 101: 25, 103: 26, 4: 1}),
        ("rec_r34_vd_none_bilstm_ctc", {320: 80, 100: 25, 99: 25, 97: 24}),
        ("ch_PP-OCRv2_rec", {320: 80, 100: 25}),
        ("en_PP-OCRv3_rec", {320: 40, 321: 40, 325: 41, 8: 1}),
        ("en_PP-OCRv4_rec", {320: 40, 640: 80, 327: 41}),
        ("ch_PP-OCRv4_rec_hgnet", {320: 40}),
        ("PP-OCRv6_small_rec", {160: 20, 320: 40, 324: 40, 328: 41, 1000: 125}),
        ("rec_svtrnet", {256: 25, 512: 25}),
        ("ch_PP-OCRv3_rec_distillation", {320: 40}),
    ],
)
def test_steps_of_each_family(name, by_width):
    assert {width: steps(name, width) for width in by_width} == by_width


def test_pplcnet_pools_to_forty_columns_in_training():
    assert steps("en_PP-OCRv4_rec", 640, training=True) == 40
    assert steps("en_PP-OCRv3_rec", 640, training=True) == 80
    by_width = load_config("en_PP-OCRv4_rec", ["Architecture.Backbone.train_columns="])
    assert time_steps(by_width.architecture, 640, training=True) == 80


def test_the_first_stride_of_the_large_mobilenet_counts_for_both_axes():
    backbone = {"name": "MobileNetV3", "model_name": "large", "large_stride": [2, 2, 2, 2]}
    assert time_steps({"Backbone": backbone, "Head": {"name": "CTCHead"}}, 320) == 40


def test_networks_without_ctc_and_unknown_ones_are_refused():
    assert not has_ctc(load_config("rec_r31_sar").architecture)
    with pytest.raises(ConfigError, match="which has no CTC steps"):
        steps("rec_r31_sar", 160)
    own = {"Backbone": {"name": "mine:Net"}, "Head": {"name": "CTCHead"}}
    with pytest.raises(ConfigError, match="the steps of 'mine:Net' are not known"):
        time_steps(own, 320)


def test_steps_equal_paddleocrs_output_lengths(shared_dir: Path):
    compared = 0
    for file in sorted((shared_dir / "compat").glob("*.npz")):
        if file.stem not in shipped_configs():
            continue
        config = load_config(file.stem)
        if not has_ctc(config.architecture):
            continue
        part = next(p for p in config.eval.dataset.transforms if p.name in RESIZE)
        with np.load(file) as arrays:
            shapes = [arrays[key] for key in arrays.files if key.endswith(".shape")]
        for shape in shapes:
            assert time_steps(config.architecture, part.args["image_shape"][2]) == shape[1]
            compared += 1
    assert compared >= 46


def test_reference_configurations_are_read_from_plain_json_too(shared_dir: Path):
    for file in sorted((shared_dir / "compat" / "configs").glob("*.json")):
        if file.stem not in shipped_configs():
            continue
        architecture = json.loads(file.read_text(encoding="utf-8"))["config"]["Architecture"]
        if has_ctc(architecture):
            assert time_steps(architecture, 320) >= 25
