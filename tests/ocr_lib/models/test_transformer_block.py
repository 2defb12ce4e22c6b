"""The parts of NRTR's transformer, against numpy."""

import math

import numpy as np
import paddle
import pytest

from ocr_lib.models.transformer_block import (
    Embeddings,
    MultiheadAttention,
    PositionalEncoding,
    TransformerBlock,
)
from tests.ocr_lib.losses.part import softmax

CAUSAL = paddle.triu(paddle.full([5, 5], float("-inf")), 1)


def attention(layer: MultiheadAttention, x: np.ndarray) -> np.ndarray:
    """The definition, head by head."""
    weight, bias = layer.qkv.weight.numpy(), layer.qkv.bias.numpy()
    query, key, value = np.split(x @ weight + bias, 3, axis=-1)
    heads = []
    for h in range(layer.heads):
        at = slice(h * layer.head_dim, (h + 1) * layer.head_dim)
        scores = query[..., at] @ key[..., at].swapaxes(1, 2) / math.sqrt(layer.head_dim)
        heads.append(softmax(scores) @ value[..., at])
    joined = np.concatenate(heads, axis=-1)
    return joined @ layer.out_proj.weight.numpy() + layer.out_proj.bias.numpy()


def test_attention_is_that_of_the_paper() -> None:
    layer = MultiheadAttention(8, 2, dropout=0.0)
    x = paddle.randn([2, 5, 8])
    np.testing.assert_allclose(layer(x).numpy(), attention(layer, x.numpy()), atol=1e-5)


def test_a_mask_hides_what_comes_later() -> None:
    layer = MultiheadAttention(8, 2, dropout=0.0)
    x = paddle.randn([1, 5, 8])
    later = x.clone()
    later[:, 3:] = 0
    one, other = layer(x, mask=CAUSAL), layer(later, mask=CAUSAL)
    assert paddle.allclose(one[:, :3], other[:, :3], atol=1e-6)
    assert not paddle.allclose(one[:, 3:], other[:, 3:], atol=1e-2)


def test_a_memory_may_have_another_length() -> None:
    layer = MultiheadAttention(8, 2, dropout=0.0, to_memory=True)
    assert layer(paddle.randn([2, 5, 8]), paddle.randn([2, 9, 8])).shape == [2, 5, 8]


@pytest.mark.parametrize("to_memory", [False, True])
def test_a_block_gives_normal_rows(to_memory: bool) -> None:
    block = TransformerBlock(8, 2, 16, 0.0, 0.0, to_memory)
    memory = paddle.randn([2, 9, 8]) if to_memory else None
    rows = block(paddle.randn([2, 5, 8]), memory)
    assert paddle.allclose(rows.mean(-1), paddle.zeros([2, 5]), atol=1e-5)
    assert paddle.allclose(rows.var(-1, unbiased=False), paddle.ones([2, 5]), atol=1e-2)


def test_positions_are_sines_and_cosines() -> None:
    layer = PositionalEncoding(6, 0.0)
    added = layer(paddle.zeros([1, 4, 6]))[0].numpy()
    for position in range(4):
        for i in range(3):
            angle = position / 10000 ** (2 * i / 6)
            assert added[position, 2 * i] == pytest.approx(math.sin(angle), abs=1e-6)
            assert added[position, 2 * i + 1] == pytest.approx(math.cos(angle), abs=1e-6)


def test_padding_is_zero_and_learns_nothing() -> None:
    layer = Embeddings(4, 6, scale=True)
    said = layer(paddle.to_tensor([[0, 3]]))
    assert not said[0, 0].any()
    expected = 2.0 * layer.embedding.weight[3]
    assert paddle.allclose(said[0, 1], expected)
    said.sum().backward()
    assert not layer.embedding.weight.grad[0].any()
