"""New statistics for batch norms, which go on computing what they did.

In training a norm computes with the statistics of the batch. Where those of the weights are others,
the network begins by forgetting: an exported model has folded its norms away, and a published one
has seen other lines. Here a norm's statistics become those of lines that it is trained on, and its
scale and shift make up for them: evaluation computes what it did, and training starts from there.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

import numpy as np
import paddle
from numpy.typing import NDArray
from paddle import nn

from ocr_lib.training.data import TrainLoader
from ocr_lib.training.log import RunLog
from ocr_lib.training.parallel import Parallel
from ocr_lib.training.sync_bn import SyncBatchNorm

Array = NDArray[np.float32]
Hook = Callable[[Any, tuple[Any, ...]], None]


STATE = ("weight", "bias", "_mean", "_variance")


def recalibrate_to(
    network: nn.Layer, loader: TrainLoader, samples: int, parallel: Parallel, log: RunLog
) -> None:
    """Gives all norms the statistics of the first training samples; every rank gets the same.

    Args:
        network: changed in place and left in evaluation mode.
        loader: the training batches.
        samples: how many to look at, in whole batches; at most those of rank 0 in an epoch.
        parallel: the processes.
        log: the run's log.
    """
    kinds = nn.BatchNorm2D | SyncBatchNorm
    norms = {n: layer for n, layer in network.named_sublayers() if isinstance(layer, kinds)}
    network.eval()
    used = 0

    def batches() -> Iterator[Array]:
        nonlocal used
        for images in _images(loader, samples):
            used += len(images)
            yield images

    def values() -> dict[str, list[Array]]:
        recalibrate(network, frozenset(norms), batches())
        return {n: [getattr(norm, part).numpy() for part in STATE] for n, norm in norms.items()}

    for name, arrays in parallel.broadcast_from_rank0(values).items():
        for part, array in zip(STATE, arrays, strict=True):
            getattr(norms[name], part).set_value(array)
    log.info(f"{len(norms)} batch norms have the statistics of {used} training samples")


def _images(loader: TrainLoader, samples: int) -> Iterator[Array]:
    """Yields batches as training sees them, until there were enough samples."""
    for batch in loader.plan_epoch(1):
        if samples <= 0:
            return
        images = loader.load_now(batch, 1)
        if images.labels:
            yield images.arrays["image"].astype(np.float32)
            samples -= len(images.labels)


def recalibrate(model: nn.Layer, norms: Collection[str], batches: Iterable[Array]) -> None:
    """Gives norms the statistics of what goes into them; the network computes what it did.

    Args:
        model: the network, changed in place and left in evaluation mode.
        norms: structured names of the batch norms; those that evaluation does not call stay.
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
        if moments[name].count:
            _set(layer, *moments[name].mean_and_variance())


class _Moments:
    """Sums over everything that went into one norm."""

    def __init__(self) -> None:
        self.count = 0
        self._sum: Any = 0.0
        self._squares: Any = 0.0

    def hook(self) -> Hook:
        def add(_: nn.Layer, inputs: tuple[Any, ...]) -> None:
            values = inputs[0].numpy().astype(np.float64)
            others = (0, *range(2, values.ndim))  # a norm of [N, C, T] or [N, C, H, W]
            self.count += values.size // values.shape[1]
            self._sum = self._sum + values.sum(axis=others)
            self._squares = self._squares + np.square(values).sum(axis=others)

        return add

    def mean_and_variance(self) -> tuple[Array, Array]:
        mean = self._sum / self.count
        return mean, np.maximum(self._squares / self.count - np.square(mean), 0.0)


def _set(norm: nn.Layer, mean: Array, variance: Array) -> None:
    """Changes a norm's statistics, and its scale and shift so that it computes what it did."""
    old = {n: getattr(norm, n).numpy().astype(np.float64) for n in ("weight", "bias")}
    old_mean, old_variance = norm._mean.numpy(), norm._variance.numpy().astype(np.float64)
    slope = old["weight"] / np.sqrt(old_variance + norm._epsilon)
    norm.weight.set_value((slope * np.sqrt(variance + norm._epsilon)).astype(np.float32))
    norm.bias.set_value((old["bias"] + slope * (mean - old_mean)).astype(np.float32))
    norm._mean.set_value(mean.astype(np.float32))
    norm._variance.set_value(variance.astype(np.float32))
