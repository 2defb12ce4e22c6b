"""Batch statistics over the batches of all processes.

Source: PaddleOCR's Global.use_sync_bn turns to paddle.nn.SyncBatchNorm, which runs on GPUs only.
"""

from collections.abc import Callable

import paddle
from paddle import nn
from paddle.autograd import PyLayer, PyLayerContext
from paddle.nn import functional

from ocr_lib.models.distillation import keeps_statistics
from ocr_lib.training.parallel import Parallel


class SyncBatchNorm(nn.Layer):  # type: ignore[misc]
    """A batch norm that normalises by the statistics over all ranks.

    Args:
        norm: the batch norm that it stands for; parameters and buffers are shared.
        parallel: the processes.
    """

    def __init__(self, norm: nn.Layer, parallel: Parallel) -> None:
        super().__init__()
        self.weight, self.bias = norm.weight, norm.bias
        self._mean, self._variance = norm._mean, norm._variance
        self._momentum, self._epsilon = norm._momentum, norm._epsilon
        self._parallel = parallel

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """[N, C, …] → the same shape."""
        if not self.training:
            return functional.batch_norm(
                x, self._mean, self._variance, self.weight, self.bias, epsilon=self._epsilon
            )
        mean, variance = self._statistics(x)
        with paddle.no_grad():
            for running, batch in ((self._mean, mean), (self._variance, variance)):
                running.set_value(running * self._momentum + batch * (1 - self._momentum))
        shape = [1, -1, *[1] * (x.ndim - 2)]
        factor = paddle.rsqrt(variance + self._epsilon) * self.weight
        shift = self.bias - mean * factor
        return x * factor.reshape(shape) + shift.reshape(shape)

    def _statistics(self, x: paddle.Tensor) -> tuple[paddle.Tensor, paddle.Tensor]:
        """Returns mean and biased variance of each channel, [C], over all ranks.

        In one exchange: sums of differences to the running mean, which is the same at all ranks
        and near the mean, so that the mean of squares less the square of the mean loses little.
        """
        axes, channels = [0, *range(2, x.ndim)], x.shape[1]
        reference = self._mean.detach().clone()
        difference = x - reference.reshape([1, -1, *[1] * (x.ndim - 2)])
        count = paddle.full([1], x.size // channels, "float32")
        local = paddle.concat([difference.sum(axes), (difference * difference).sum(axes), count])
        sums = _Sum.apply(local, self._parallel)
        total = sums[-1].detach()
        mean, squares = sums[:channels] / total, sums[channels:-1] / total
        return reference + mean, paddle.clip(squares - mean * mean, min=0.0)


class _Sum(PyLayer):  # type: ignore[misc]
    """The sum over all ranks; its gradient is the sum of all ranks' gradients."""

    @staticmethod
    def forward(ctx: PyLayerContext, x: paddle.Tensor, parallel: Parallel) -> paddle.Tensor:
        ctx.parallel = parallel
        total = x.clone()
        parallel.all_reduce(total, synchronized=True)
        return total

    @staticmethod
    def backward(ctx: PyLayerContext, gradient: paddle.Tensor) -> paddle.Tensor:
        total = gradient.clone()
        ctx.parallel.all_reduce(total, synchronized=True)
        return total


def synchronise(network: nn.Layer, parallel: Parallel) -> nn.Layer:
    """Returns the network with batch statistics over all ranks; names of parameters stay.

    On GPUs the layers become Paddle's own, elsewhere `SyncBatchNorm`. One process needs neither,
    and a frozen network (distillation) keeps the statistics it has.
    """
    if parallel.world_size == 1:
        return network
    if str(paddle.get_device()) != "cpu":
        return _replaced(network, nn.SyncBatchNorm.convert_sync_batchnorm)
    return _replaced(network, lambda norm: SyncBatchNorm(norm, parallel))


def _replaced(layer: nn.Layer, replace: Callable[[nn.Layer], nn.Layer]) -> nn.Layer:
    if hasattr(layer, "_variance") and hasattr(layer, "_momentum"):
        return layer if keeps_statistics(layer) else replace(layer)
    for name, child in list(layer.named_children()):
        replacement = _replaced(child, replace)
        if replacement is not child:
            layer._sub_layers[name] = replacement
    return layer
