import paddle
import pytest

from ocr_lib.models.backbones.lcnet_v3 import PPLCNetV3
from ocr_lib.models.backbones.line_pool import pool_to_line
from tests.ocr_lib.models.configured import configured


@pytest.mark.parametrize("width", [16, 80, 200])
def test_paddleocr_makes_40_columns_of_every_width_in_training(width: int) -> None:
    x = paddle.rand([1, 4, 3, width])
    assert pool_to_line(x, training=True, train_columns=40).shape == [1, 4, 1, 40]
    assert pool_to_line(x, training=False, train_columns=40).shape == [1, 4, 1, width // 2]


def test_without_a_fixed_number_training_keeps_the_width() -> None:
    x = paddle.rand([1, 4, 3, 80])
    expected = x.reshape([1, 4, 3, 40, 2]).mean([2, 4]).unsqueeze(2)
    for training in (True, False):
        y = pool_to_line(x, training, train_columns=None)
        assert paddle.allclose(y, expected, atol=1e-6)


@pytest.mark.parametrize("height", [32, 48])
def test_a_network_reads_any_height_of_its_stride(height: int) -> None:
    network = configured(PPLCNetV3, scale=0.35, conv_kxk_num=1, train_columns=None)
    assert network(paddle.rand([1, 3, height, 96])).shape == [1, 176, 1, 12]
