"""The table of steps against the networks themselves."""

import pytest

from ocr_lib.algorithms.ctc_steps import time_steps
from ocr_lib.config.loader import load_config

CLASSES = 12
CTC = {"name": "CTCHead"}
RESHAPE = {"name": "SequenceEncoder", "encoder_type": "reshape"}
RESNET31 = {"name": "ResNet31", "layers": [1, 1, 1, 1], "channels": [2, 2, 2, 2, 2, 2, 2]}
STN = {"name": "STN_ON", "num_control_points": 4}
PLAIN = {"name": "PlainConv", "widths": [2, 2, 2, 2], "out_channels": 2}


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(
    ("architecture", "height"),
    [
        ({"Backbone": RESNET31, "Neck": RESHAPE}, 8),
        ({"Backbone": {**RESNET31, "last_stage_pool": True}, "Neck": RESHAPE}, 16),
        ({"Backbone": {"name": "MTB"}}, 4),
        ({"Transform": STN, "Backbone": PLAIN, "Neck": RESHAPE}, 32),
        (
            {"Transform": {**STN, "tps_outputsize": [32, 77]}, "Backbone": PLAIN, "Neck": RESHAPE},
            32,
        ),
    ],
)
def test_small_networks_give_the_steps_of_the_table(architecture, height, training):
    import paddle

    from ocr_lib.models import build_model

    architecture = {**architecture, "Head": CTC}
    model = build_model(architecture, CLASSES)
    model.train() if training else model.eval()
    for width in (96, 97, 101, 103):
        with paddle.no_grad():
            output = model(paddle.zeros([2, 3, height, width]))
        expected = [2, time_steps(architecture, width, training=training), CLASSES]
        assert output.shape == expected, width


def test_every_backbone_has_its_steps():
    from ocr_lib.models.tables import BACKBONES

    for name in BACKBONES:
        assert time_steps({"Backbone": {"name": name}, "Head": CTC}, 320) > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "height", "widths"),
    [
        ("rec_en_number_lite_train", 32, (96, 101, 103)),
        ("rec_mv3_none_none_ctc", 32, (96, 101, 103)),
        ("rec_r34_vd_none_none_ctc", 32, (97, 99)),
        ("ch_PP-OCRv2_rec", 32, (96, 101, 103)),
        ("en_PP-OCRv3_rec", 48, (96, 101, 103, 109)),
        ("en_PP-OCRv4_rec", 48, (96, 101, 103, 109)),
        ("ch_PP-OCRv4_rec_hgnet", 48, (96, 109)),
        ("PP-OCRv6_tiny_rec", 48, (96, 101, 103, 109)),
        ("rec_svtrnet", 64, (256,)),
    ],
)
def test_networks_give_the_steps_of_the_table(name, height, widths):
    import paddle

    from ocr_lib.models import build_model
    from ocr_lib.models.tables import BACKBONES, HEADS

    config = load_config(name)
    for stage, known in (("Backbone", BACKBONES), ("Head", HEADS)):
        if config.architecture[stage]["name"] not in known:
            pytest.skip(f"no {config.architecture[stage]['name']} to compare with")
    model = build_model(config.architecture, CLASSES)
    model.eval()
    for width in widths:
        with paddle.no_grad():
            output = model(paddle.zeros([1, 3, height, width]))
        assert output.shape == [1, time_steps(config.architecture, width), CLASSES], width
