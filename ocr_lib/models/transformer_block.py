"""The parts of NRTR's transformer: attention, block, positions and character embeddings.

Source: Vaswani et al., "Attention Is All You Need" (2017); PaddleOCR
ppocr/modeling/heads/rec_nrtr_head.py.
"""

import math

import numpy as np
import paddle
from paddle import ParamAttr, Tensor, nn
from paddle.nn import functional
from paddle.nn.initializer import Normal

from ocr_lib.models.svtr_block import Mlp


class MultiheadAttention(nn.Layer):
    """Attention of a sequence to itself, or to a memory."""

    def __init__(self, channels: int, heads: int, dropout: float, to_memory: bool = False) -> None:
        super().__init__()
        self.heads, self.head_dim = heads, channels // heads
        if to_memory:
            self.q = nn.Linear(channels, channels)
            self.kv = nn.Linear(channels, channels * 2)
        else:
            self.qkv = nn.Linear(channels, channels * 3)
        self.attn_drop = nn.Dropout(dropout)
        self.out_proj = nn.Linear(channels, channels)

    def forward(
        self, x: Tensor, memory: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """[N, T, C] → [N, T, C]; memory [N, S, C], additive mask [T, T]."""
        if memory is None:
            query, key, value = self._split(self.qkv(x), 3)
        else:
            (query,) = self._split(self.q(x), 1)
            key, value = self._split(self.kv(memory), 2)
        scores = paddle.matmul(query, key, transpose_y=True) * self.head_dim**-0.5
        if mask is not None:
            scores = scores + mask
        weights = self.attn_drop(functional.softmax(scores, axis=-1))
        return self.out_proj(paddle.matmul(weights, value).transpose([0, 2, 1, 3]).flatten(2))

    def _split(self, x: Tensor, parts: int) -> list[Tensor]:
        """[N, T, parts · C] → `parts` tensors [N, heads, T, C / heads]."""
        x = x.reshape([0, -1, parts, self.heads, self.head_dim])
        return x.transpose([2, 0, 3, 1, 4]).unbind(0)


class TransformerBlock(nn.Layer):
    """Attention to itself, attention to a memory where there is one, and an MLP."""

    def __init__(
        self,
        channels: int,
        heads: int,
        hidden: int,
        attention_dropout: float,
        dropout: float,
        to_memory: bool,
    ) -> None:
        super().__init__()
        self.self_attn = MultiheadAttention(channels, heads, attention_dropout)
        self.norm1 = nn.LayerNorm(channels, 1e-5)
        self.cross_attn = None
        if to_memory:
            self.cross_attn = MultiheadAttention(channels, heads, attention_dropout, to_memory)
            self.norm2 = nn.LayerNorm(channels, 1e-5)
        self.mlp = Mlp(channels, hidden, nn.ReLU, dropout)
        self.norm3 = nn.LayerNorm(channels, 1e-5)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Tensor, memory: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """[N, T, C] → [N, T, C]."""
        x = self.norm1(x + self.dropout(self.self_attn(x, mask=mask)))
        if self.cross_attn is not None:
            x = self.norm2(x + self.dropout(self.cross_attn(x, memory)))
        return self.norm3(x + self.dropout(self.mlp(x)))


class PositionalEncoding(nn.Layer):
    """Adds sines and cosines of the position, then dropout."""

    def __init__(self, channels: int, dropout: float, max_len: int = 5000) -> None:
        super().__init__()
        position = np.arange(max_len)[:, None]
        angle = position * np.exp(np.arange(0, channels, 2) * (-math.log(10000.0) / channels))
        table = np.zeros((max_len, 1, channels), np.float32)
        table[:, 0, 0::2] = np.sin(angle)
        table[:, 0, 1::2] = np.cos(angle)
        self.register_buffer("pe", paddle.to_tensor(table))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """[N, T, C] → [N, T, C]."""
        return self.dropout(x + self.pe[: x.shape[1]].transpose([1, 0, 2]))


class Embeddings(nn.Layer):
    """Character embeddings, scaled by √channels; class 0 is padding and stays zero."""

    def __init__(self, channels: int, classes: int, scale: bool) -> None:
        super().__init__()
        self.scale = math.sqrt(channels) if scale else 1.0
        attr = ParamAttr(initializer=Normal(0.0, channels**-0.5))
        self.embedding = nn.Embedding(classes, channels, padding_idx=0, weight_attr=attr)

    def forward(self, ids: Tensor) -> Tensor:
        """[N, T] → [N, T, C]."""
        return self.embedding(ids) * self.scale
