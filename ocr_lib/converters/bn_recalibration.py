"""Batch statistics for norms that have none: an exported model has folded them away.

A norm that was folded computes nothing in evaluation, whatever its statistics are; in training it
would divide by the batch's own and change everything. Here its statistics become those of real
lines and its scale and shift make up for them, so that evaluation computes what it did and
training starts from there.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Any

import numpy as np
import paddle
from paddle import nn

from ocr_lib.converters.weighted_ops import Array

Hook = Callable[[Any, tuple[Any, ...]], None]


def recalibrate(model: nn.Layer, norms: Collection[str], batches: Iterable[Array]) -> None:
    """Gives norms the statistics of what goes into them; the network computes what it did.

    Args:
        model: the network, changed in place and left in evaluation mode.
        norms: structured names of the batch norms.
        batches: images, float32 [N, C, H, W].
    """
    layers = {name: layer for name, layer in model.named_sublayers() if name in norms}
    moments = {name: _Moments() for name in layers}
    hooks = [
        layer.register_forward_pre_hook(moments[name].hook()) for name, layer in layers.items()
    ]
    model.eval()
    with paddle.no_grad():
        for images in batches:
            model(paddle.to_tensor(images))
    for hook in hooks:
        hook.remove()
    for name, layer in layers.items():
        _set(layer, *moments[name].mean_and_variance())


class _Moments:
    """Sums over everything that went into one norm."""

    def __init__(self) -> None:
        self._count = 0
        self._sum: Any = 0.0
        self._squares: Any = 0.0

    def hook(self) -> Hook:
        def add(_: nn.Layer, inputs: tuple[Any, ...]) -> None:
            values = inputs[0].numpy().astype(np.float64)
            others = (0, *range(2, values.ndim))  # a norm of [N, C, T] or [N, C, H, W]
            self._count += values.size // values.shape[1]
            self._sum = self._sum + values.sum(axis=others)
            self._squares = self._squares + np.square(values).sum(axis=others)

        return add

    def mean_and_variance(self) -> tuple[Array, Array]:
        mean = self._sum / self._count
        return mean, np.maximum(self._squares / self._count - np.square(mean), 0.0)


def _set(norm: nn.Layer, mean: Array, variance: Array) -> None:
    """Changes a norm's statistics, and its scale and shift so that it computes what it did."""
    old = {n: getattr(norm, n).numpy().astype(np.float64) for n in ("weight", "bias")}
    old_mean, old_variance = norm._mean.numpy(), norm._variance.numpy().astype(np.float64)
    slope = old["weight"] / np.sqrt(old_variance + norm._epsilon)
    norm.weight.set_value((slope * np.sqrt(variance + norm._epsilon)).astype(np.float32))
    norm.bias.set_value((old["bias"] + slope * (mean - old_mean)).astype(np.float32))
    norm._mean.set_value(mean.astype(np.float32))
    norm._variance.set_value(variance.astype(np.float32))
