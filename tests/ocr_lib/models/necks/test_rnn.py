"""Encoders of a sequence of columns."""

import paddle
import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.models.necks.rnn import EncoderWithCascadeRNN, EncoderWithFC, EncoderWithRNN
from tests.ocr_lib.models.configured import configured

SEQUENCE = paddle.rand([2, 7, 6])


@pytest.mark.parametrize(
    ("part", "arguments", "width"),
    [
        (EncoderWithRNN, {"hidden_size": 4}, 8),
        (EncoderWithFC, {"hidden_size": 4}, 4),
        (EncoderWithCascadeRNN, {"hidden_size": 4, "out_channels": [8, 8]}, 8),
        (
            EncoderWithCascadeRNN,
            {"hidden_size": 4, "out_channels": [5, 3], "with_linear": True},
            3,
        ),
        (
            EncoderWithCascadeRNN,
            {"hidden_size": 4, "out_channels": [5, 3], "with_linear": True, "num_layers": 1},
            5,
        ),
    ],
)
def test_the_width_is_the_one_that_it_announces(part, arguments, width) -> None:
    encoder = configured(part, 6, **arguments)
    assert encoder.out_channels == width
    assert encoder(SEQUENCE).shape == [2, 7, width]


def reaches(part, **arguments) -> tuple[bool, bool]:
    """Whether a change of the middle column shows in the first and in the last one."""
    encoder = configured(part, 6, hidden_size=4, **arguments)
    encoder.eval()
    changed = SEQUENCE.clone()
    changed[:, 3] += 1.0
    moved = (encoder(SEQUENCE) - encoder(changed)).abs().sum([0, 2])
    return bool(moved[0] > 0), bool(moved[-1] > 0)


def test_lstms_read_in_both_directions_and_a_linear_layer_columns_alone() -> None:
    assert reaches(EncoderWithRNN) == (True, True)
    assert reaches(EncoderWithCascadeRNN, out_channels=[8, 8]) == (True, True)
    assert reaches(EncoderWithFC) == (False, False)


def test_a_width_for_each_layer_is_needed() -> None:
    with pytest.raises(ConfigError, match=r"out_channels: is \[8\], for 2 layers"):
        configured(EncoderWithCascadeRNN, 6, out_channels=[8])
