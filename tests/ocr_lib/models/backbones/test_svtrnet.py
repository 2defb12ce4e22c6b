"""SVTR's backbone makes a row of columns, or a sequence, of a text line."""

import paddle
import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.models.backbones.svtrnet import SVTRNet
from tests.ocr_lib.models.backbones.columns import columns
from tests.ocr_lib.models.configured import configured

SVTR = {"embed_dim": [8, 16, 32], "depth": [1, 1, 1], "num_heads": [1, 2, 4], "out_channels": 24}
EQUAL = {"embed_dim": [16, 16, 16], "depth": [1, 1, 1], "num_heads": [1, 2, 4]}


def test_an_image_becomes_a_row_of_columns() -> None:
    network = configured(SVTRNet, mixer=["Local", "Conv", "Global"], **SVTR)
    assert columns(network, 3, 32, 100) == [24, 1, 25]


def test_pooling_and_a_third_halving_are_available() -> None:
    arguments = {"patch_merging": "Pool", "sub_num": 3, "img_size": [32, 96]}
    network = configured(SVTRNet, mixer=["Global"] * 3, **arguments, **SVTR)
    assert columns(network, 3, 32, 96) == [24, 1, 25]


def test_without_a_last_stage_there_is_a_sequence() -> None:
    network = configured(
        SVTRNet, mixer=["Global"] * 3, last_stage=False, patch_merging=None, **EQUAL
    )
    assert network(paddle.rand([1, 3, 32, 100])).shape == [1, 8 * 25, 16]


def test_images_of_another_size_are_refused() -> None:
    network = configured(SVTRNet, mixer=["Global"] * 3, **SVTR)
    with pytest.raises(ConfigError, match="images are 32 x 64, the network reads"):
        network(paddle.rand([1, 3, 32, 64]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mixer": ["Global"]}, "mixer: has 1 mixers for 12 blocks"),
        (
            {"act": "GELU"},
            "act: is 'GELU', which is not known. The nearest known name is nn.GELU",
        ),
        ({"img_size": [32, 90]}, r"img_size: .*not multiples of \[16, 4\]"),
    ],
)
def test_a_wrong_argument_is_refused(arguments, message) -> None:
    with pytest.raises(ConfigError, match=message):
        configured(SVTRNet, **arguments)
