"""The table of steps against the networks themselves."""

import pytest

from ocr_lib.algorithms.ctc_steps import time_steps
from ocr_lib.config.loader import load_config

pytestmark = pytest.mark.slow
CLASSES = 12


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
