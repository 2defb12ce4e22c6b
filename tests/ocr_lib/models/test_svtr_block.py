import numpy as np
import paddle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocr_lib.models.svtr_block import Attention, SVTRBlock, window_mask

sides = st.integers(1, 6)
windows = st.sampled_from([1, 3, 5, 7, 11])


@settings(max_examples=30)
@given(height=sides, width=sides, tall=windows, wide=windows)
def test_the_mask_opens_a_window_around_each_position(height, width, tall, wide) -> None:
    mask = window_mask([height, width], [tall, wide])[0, 0]
    for place in range(height * width):
        for other in range(height * width):
            rows = abs(place // width - other // width)
            columns = abs(place % width - other % width)
            seen = rows <= tall // 2 and columns <= wide // 2
            assert mask[place, other] == (0.0 if seen else -np.inf)


def test_a_window_of_everything_is_no_window() -> None:
    whole, window = Attention(8, 2), Attention(8, 2, [2, 5], [3, 9])
    window.set_state_dict(whole.state_dict())
    x = paddle.rand([2, 10, 8])
    assert paddle.allclose(whole(x), window(x), atol=1e-6)


@pytest.mark.parametrize("prenorm", [True, False])
def test_a_dropped_path_leaves_the_residual_alone(prenorm: bool) -> None:
    block = SVTRBlock(8, 2, drop_path=0.999999, prenorm=prenorm)
    block.train()
    x = paddle.rand([2, 5, 8])
    expected = block.norm2(block.norm1(x)) if prenorm else x
    assert paddle.allclose(block(x), expected, atol=1e-5)
