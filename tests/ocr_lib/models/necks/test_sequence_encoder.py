"""From a feature map to a sequence."""

import paddle
import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.models import build_model
from ocr_lib.models.necks.sequence_encoder import SequenceEncoder, image_to_sequence
from tests.ocr_lib.models.architectures import CRNN_LITE
from tests.ocr_lib.models.configured import configured


def test_a_backbone_that_leaves_a_height_is_refused() -> None:
    model = build_model(CRNN_LITE, 7)
    with pytest.raises(ConfigError, match="2 rows high"):
        model(paddle.rand([1, 3, 64, 64]))


FEATURES = paddle.rand([2, 16, 1, 9])


@pytest.mark.parametrize(
    ("arguments", "width"),
    [
        ({"encoder_type": "reshape"}, 16),
        ({"encoder_type": "fc", "hidden_size": 5}, 5),
        ({"encoder_type": "rnn", "hidden_size": 5}, 10),
        ({"encoder_type": "cascadernn", "hidden_size": 5, "out_channels": [10, 10]}, 10),
        ({"encoder_type": "svtr", "dims": 7, "depth": 1, "hidden_dims": 16}, 7),
    ],
)
def test_a_map_becomes_a_sequence_of_the_width_it_announces(arguments, width) -> None:
    neck = configured(SequenceEncoder, 16, **arguments)
    assert neck.out_channels == width
    assert neck(FEATURES).shape == [2, 9, width]


def test_columns_keep_their_order() -> None:
    sequence = image_to_sequence(FEATURES)
    for column in range(9):
        assert paddle.equal_all(sequence[:, column], FEATURES[:, :, 0, column])
