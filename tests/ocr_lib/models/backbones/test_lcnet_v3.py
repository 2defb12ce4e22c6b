"""PP-LCNetV3 makes a row of columns of a text line."""

import paddle
import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.models.backbones.lcnet_v3 import LCNetV3Block, PPLCNetV3
from tests.ocr_lib.models.backbones.columns import columns
from tests.ocr_lib.models.configured import configured

SMALL = {"scale": 0.1, "conv_kxk_num": 1}


def test_training_pools_to_a_fixed_number_of_columns_and_evaluation_does_not() -> None:
    network = configured(PPLCNetV3, **SMALL)
    assert columns(network, 3, 48, 64)[1:] == [1, 40]
    network.eval()
    assert network(paddle.rand([1, 3, 48, 64])).shape == [1, network.out_channels, 1, 8]


def test_widths_are_multiples_of_16() -> None:
    assert [configured(PPLCNetV3, **{**SMALL, "scale": s}).out_channels for s in (0.1, 0.25)] == [
        48,
        128,
    ]


def test_a_gate_is_there_where_asked_for() -> None:
    settings = (3, 1, True, 1, 1.0, 0.1, False)
    gated = LCNetV3Block(16, 16, *settings)
    plain = LCNetV3Block(16, 16, 3, 1, False, *settings[3:])
    names = set(gated.state_dict()) - set(plain.state_dict())
    assert names
    assert all(name.startswith("se.") for name in names)


def test_another_number_of_learning_rates_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"lr_mult_list: has 2 values\. Give six"):
        configured(PPLCNetV3, lr_mult_list=[1.0, 1.0])
