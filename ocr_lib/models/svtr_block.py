"""The mixing block of SVTR: attention over all columns, or over a window, and an MLP."""

from collections.abc import Sequence

import numpy as np
import paddle
from paddle import ParamAttr, Tensor, nn
from paddle.nn import functional
from paddle.nn.initializer import Constant, KaimingNormal, TruncatedNormal

MIXERS = ("Global", "Local", "Conv")


class Mlp(nn.Layer):
    """Two linear layers with an activation and dropout."""

    def __init__(self, channels: int, hidden: int, act: type[nn.Layer], dropout: float) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, hidden)
        self.act = act()
        self.fc2 = nn.Linear(hidden, channels)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """[N, T, C] → [N, T, C]."""
        return self.drop(self.fc2(self.drop(self.act(self.fc1(x)))))


class ConvMixer(nn.Layer):
    """Mixes neighbours with a grouped convolution over the map that the sequence came from."""

    def __init__(
        self, channels: int, heads: int, size: Sequence[int], window: Sequence[int]
    ) -> None:
        super().__init__()
        self.size = list(size)
        self.local_mixer = nn.Conv2D(
            channels,
            channels,
            list(window),
            padding=[window[0] // 2, window[1] // 2],
            groups=heads,
            weight_attr=ParamAttr(initializer=KaimingNormal()),
        )

    def forward(self, x: Tensor) -> Tensor:
        """[N, H · W, C] → the same shape."""
        x = x.transpose([0, 2, 1]).reshape([0, x.shape[2], *self.size])
        return self.local_mixer(x).flatten(2).transpose([0, 2, 1])


def window_mask(size: Sequence[int], window: Sequence[int]) -> np.ndarray:
    """Attention mask of a map: 0 inside the window around each position, -inf outside.

    Args:
        size: height and width of the map.
        window: height and width of the window.

    Returns:
        float32 [1, 1, H · W, H · W].
    """
    inside = []
    for length, reach in zip(size, window, strict=True):
        offset = np.arange(length)[None, :] - np.arange(length)[:, None]
        inside.append((offset >= -(reach // 2)) & (offset < reach - reach // 2))
    allowed = np.kron(inside[0], inside[1]).astype(bool)
    return np.where(allowed, 0.0, -np.inf).astype(np.float32)[None, None]


class Attention(nn.Layer):
    """Multi-head self-attention, over everything or inside a window.

    Args:
        channels: width of the input.
        heads: number of heads.
        size: height and width of the map, for a window.
        window: height and width of the window; everything without it.
        qkv_bias: whether query, key and value have a bias.
        qk_scale: multiplies the query; default: head width to the power of -1/2.
        attention_dropout: of the attention weights.
        dropout: of the output.
    """

    def __init__(
        self,
        channels: int,
        heads: int,
        size: Sequence[int] | None = None,
        window: Sequence[int] | None = None,
        qkv_bias: bool = True,
        qk_scale: float | None = None,
        attention_dropout: float = 0.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.heads = heads
        self.channels = channels
        self.scale = qk_scale or (channels // heads) ** -0.5
        self.qkv = nn.Linear(channels, channels * 3, bias_attr=None if qkv_bias else False)
        self.attn_drop = nn.Dropout(attention_dropout)
        self.proj = nn.Linear(channels, channels)
        self.proj_drop = nn.Dropout(dropout)
        mask = None
        if size is not None and window is not None:
            mask = paddle.to_tensor(window_mask(size, window))
        self.register_buffer("mask", mask, persistable=False)

    def forward(self, x: Tensor) -> Tensor:
        """[N, T, C] → [N, T, C]."""
        qkv = self.qkv(x).reshape([0, -1, 3, self.heads, self.channels // self.heads])
        query, key, value = qkv.transpose([2, 0, 3, 1, 4]).unbind(0)
        scores = paddle.matmul(query * self.scale, key, transpose_y=True)
        if self.mask is not None:
            scores = scores + self.mask
        weights = self.attn_drop(functional.softmax(scores, axis=-1))
        mixed = paddle.matmul(weights, value).transpose([0, 2, 1, 3]).flatten(2)
        return self.proj_drop(self.proj(mixed))


class SVTRBlock(nn.Layer):
    """A mixer and an MLP, each with a residual path and a layer norm.

    Args:
        channels: width.
        heads: heads of the attention, or groups of the convolution.
        mixer: "Global", "Local" (a window) or "Conv".
        size: height and width of the map; "Local" and "Conv" need it.
        window: height and width of the window.
        mlp_ratio: width of the MLP over the block's.
        qkv_bias: whether query, key and value have a bias.
        qk_scale: multiplies the query.
        dropout: of the mixer's and the MLP's output.
        attention_dropout: of the attention weights.
        drop_path: probability of leaving a whole residual path out, a sample at a time.
        act: activation of the MLP.
        epsilon: of the layer norms.
        prenorm: PaddleOCR's name for norms after the residual sum; they stand before the mixer
            and the MLP where it is false.

    Source: Du et al., "SVTR: Scene Text Recognition with a Single Visual Model" (2022); PaddleOCR
    ppocr/modeling/backbones/rec_svtrnet.py.
    """

    def __init__(
        self,
        channels: int,
        heads: int,
        mixer: str = "Global",
        size: Sequence[int] | None = None,
        window: Sequence[int] = (7, 11),
        mlp_ratio: float = 4.0,
        qkv_bias: bool = True,
        qk_scale: float | None = None,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        drop_path: float = 0.0,
        act: type[nn.Layer] = nn.GELU,
        epsilon: float = 1e-6,
        prenorm: bool = True,
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels, epsilon)
        if mixer == "Conv":
            self.mixer = ConvMixer(channels, heads, size or (1, 1), window)
        else:
            self.mixer = Attention(
                channels,
                heads,
                size,
                window if mixer == "Local" else None,
                qkv_bias,
                qk_scale,
                attention_dropout,
                dropout,
            )
        self.drop_path = nn.Dropout(drop_path, axis=0)
        self.norm2 = nn.LayerNorm(channels, epsilon)
        self.mlp = Mlp(channels, int(channels * mlp_ratio), act, dropout)
        self.prenorm = prenorm

    def forward(self, x: Tensor) -> Tensor:
        """[N, T, C] → [N, T, C]."""
        if self.prenorm:
            x = self.norm1(x + self.drop_path(self.mixer(x)))
            return self.norm2(x + self.drop_path(self.mlp(x)))
        x = x + self.drop_path(self.mixer(self.norm1(x)))
        return x + self.drop_path(self.mlp(self.norm2(x)))


def init_linear_and_norm(layer: nn.Layer) -> None:
    """Initialises linear layers with a truncated normal of 0.02 and layer norms with 1 and 0."""
    if isinstance(layer, nn.Linear):
        TruncatedNormal(std=0.02)(layer.weight)
        if layer.bias is not None:
            Constant(0.0)(layer.bias)
    elif isinstance(layer, nn.LayerNorm):
        Constant(1.0)(layer.weight)
        Constant(0.0)(layer.bias)
