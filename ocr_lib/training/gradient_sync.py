"""What every process of a run learnt in one step, averaged: gradients, statistics and losses.

Everything travels in one tensor, so a step has one exchange whatever the network. The statistics
of batch normalisation travel too: after each step all ranks hold equal bytes, and rank 0's
checkpoint is everybody's.

Source: PaddleOCR trains with paddle.DataParallel, which averages gradients alone; its ranks keep
statistics of their own, and those of rank 0 are saved.
"""

from collections.abc import Mapping
from typing import Any

import paddle

from ocr_lib.models.distillation import keeps_statistics
from ocr_lib.training.parallel import Parallel


class GradientSync:
    """Averages over all ranks what one step changed.

    Args:
        parallel: the processes.
        model: the network; only what has gradients, and its batch statistics, travel.
    """

    def __init__(self, parallel: Parallel, model: Any) -> None:
        self._parallel = parallel
        self._parameters = [p for p in model.parameters() if not p.stop_gradient]
        self._norms = [layer for layer in model.sublayers() if hasattr(layer, "_variance")]

    def gradients(self) -> list[Any]:
        """Returns the gradients that the last backward pass left, as they are averaged."""
        return [p.grad for p in self._parameters if p.grad is not None]

    def average(self, losses: Mapping[str, Any], counts: bool = True) -> dict[str, Any]:
        """Averages gradients and batch statistics in place.

        Args:
            losses: this rank's, by name.
            counts: False where the rank had no batch of its own; its gradients and losses are
                left out of the average.

        Returns:
            The losses averaged.
        """
        values = {name: loss.detach() for name, loss in losses.items()}
        if self._parallel.world_size == 1:
            return values
        with paddle.no_grad():
            return self._average(values, counts)

    def _average(self, values: dict[str, Any], counts: bool) -> dict[str, Any]:
        gradients = self.gradients()
        learnt = [*gradients, *values.values(), paddle.ones([1])]
        if not counts:
            learnt = [paddle.zeros_like(tensor) for tensor in learnt]
        statistics = self._statistics()
        tensors = [*learnt, *statistics]
        flat = paddle.concat([tensor.astype("float32").flatten() for tensor in tensors])
        self._parallel.all_reduce(flat)
        sums = paddle.split(flat, [int(tensor.size) for tensor in tensors])
        ranks = paddle.clip(sums[len(learnt) - 1], min=1.0)
        for gradient, total in zip(gradients, sums, strict=False):
            gradient.set_value((total / ranks).reshape(gradient.shape))
        for statistic, total in zip(statistics, sums[len(learnt) :], strict=True):
            statistic.set_value((total / self._parallel.world_size).reshape(statistic.shape))
        means = sums[len(gradients) : len(learnt) - 1]
        return {
            name: (mean / ranks).reshape(value.shape)
            for (name, value), mean in zip(values.items(), means, strict=True)
        }

    def _statistics(self) -> list[Any]:
        """Returns what the step changed beside weights; frozen layers keep theirs."""
        norms = [n for n in self._norms if n.training and not keeps_statistics(n)]
        return [tensor for layer in norms for tensor in (layer._mean, layer._variance)]
