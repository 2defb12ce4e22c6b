"""NRTR's modality-transform block makes a sequence of a text line."""

import paddle
import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.models.backbones.mtb import MTB
from tests.ocr_lib.models.configured import configured


def test_a_column_of_the_sequence_is_a_column_of_the_map() -> None:
    network = configured(MTB, 1)
    network.eval()
    images = paddle.rand([2, 1, 32, 100])
    sequence = network(images)
    assert sequence.shape == [2, 25, 64 * 8]
    features = network.block(images)  # [N, 64, H/4, W/4]
    expected = features[:, :, :, 7].transpose([0, 2, 1]).flatten(1)
    assert paddle.allclose(sequence[:, 7], expected)


def test_another_number_of_convolutions_is_refused() -> None:
    with pytest.raises(ConfigError, match="cnn_num: is 3, and only 2 is available"):
        configured(MTB, cnn_num=3)
