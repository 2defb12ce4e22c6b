"""PlainConv makes a row of columns of a text line."""

import paddle
import pytest

from ocr_lib.models.backbones.plain_conv import STRIDE, PlainConv
from tests.ocr_lib.models.backbones.columns import columns
from tests.ocr_lib.models.configured import configured

SMALL = {"widths": [8, 8, 8, 16], "out_channels": 24}


@pytest.mark.parametrize("height", [16, 32, 48])
@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_becomes_a_row_of_columns(height, channels) -> None:
    network = configured(PlainConv, channels, height=height, **SMALL)
    assert columns(network, channels, height, 64) == [24, 1, 64 // STRIDE]


def test_a_column_sees_its_surroundings_alone() -> None:
    network = configured(PlainConv, 1, **SMALL)
    network.eval()
    image = paddle.rand([1, 1, 32, 160])
    changed = image.clone()
    changed[:, :, :, 120:] = 0
    one, other = network(image), network(changed)
    assert paddle.equal_all(one[..., :20], other[..., :20])
    assert not paddle.allclose(one[..., 30:], other[..., 30:])
