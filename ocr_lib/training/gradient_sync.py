"""How the ranks of a run average what one training step learnt: gradients, statistics and losses.

Two backends, chosen by the device (`parallel.init_process_group`). Both leave equal weights and
equal batch statistics at every rank, so that rank 0's checkpoint is that of all.

- `ExactSync`, for CPUs: everything travels in one message after the backward pass, in an order that
  never changes, so a resumed run ends with the same bytes.
- `DataParallelSync`, for GPUs: `paddle.DataParallel` sends gradients bucket by bucket while the
  backward pass still runs; statistics and losses follow in one message.

Source: PaddleOCR trains with paddle.DataParallel alone; its ranks keep batch statistics of their
own, and those of rank 0 are saved.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import paddle
from paddle import nn

from ocr_lib.models.distillation import keeps_statistics
from ocr_lib.training.parallel import Parallel

Losses = dict[str, paddle.Tensor]  # scalars by name


class GradientSync(ABC):
    """Averages over all ranks what one step changed.

    Args:
        parallel: the processes.
        network: only what has gradients, and its batch statistics, travel.

    Attributes:
        overlaps: whether messages are sent while the backward pass runs: the ranks must then
            meet before the step.
        forward: the layer to call in the forward pass.
    """

    overlaps: ClassVar[bool] = False

    def __init__(self, parallel: Parallel, network: nn.Layer) -> None:
        self.forward = network
        self._parallel = parallel
        self._parameters = [p for p in network.parameters() if not p.stop_gradient]
        self._norms = [layer for layer in network.sublayers() if hasattr(layer, "_variance")]

    def gradients(self) -> list[paddle.Tensor]:
        """Returns the gradients that the last backward pass left, as they are averaged."""
        return [p.grad for p in self._parameters if p.grad is not None]

    @abstractmethod
    def backward(
        self, loss: paddle.Tensor, losses: Mapping[str, paddle.Tensor], *, counted: bool = True
    ) -> Losses:
        """Runs the backward pass; averages gradients and batch statistics in place.

        Args:
            loss: to go back from: the scaled total.
            losses: this rank's, by name.
            counted: False where the rank had no batch to learn from; its gradients and losses
                are left out of the average.

        Returns:
            The losses averaged over the ranks that count.

        Raises:
            PeerError: another rank is gone.
        """

    def _statistics(self) -> list[paddle.Tensor]:
        """Returns what the step changed besides weights; frozen layers keep theirs."""
        norms = [n for n in self._norms if n.training and not keeps_statistics(n)]
        return [tensor for layer in norms for tensor in (layer._mean, layer._variance)]

    def _all_reduce(self, tensors: list[paddle.Tensor]) -> list[paddle.Tensor]:
        """Returns the sums of float32 copies over all ranks, flat, in one message."""
        flat = paddle.concat([tensor.astype("float32").flatten() for tensor in tensors])
        self._parallel.all_reduce(flat)
        sums: list[paddle.Tensor] = paddle.split(flat, [int(tensor.size) for tensor in tensors])
        return sums

    def _set_statistics(self, statistics: list[paddle.Tensor], sums: list[paddle.Tensor]) -> None:
        for statistic, total in zip(statistics, sums, strict=True):
            statistic.set_value((total / self._parallel.world_size).reshape(statistic.shape))


class LocalSync(GradientSync):
    """For one process: there is nothing to average."""

    def backward(
        self, loss: paddle.Tensor, losses: Mapping[str, paddle.Tensor], *, counted: bool = True
    ) -> Losses:
        """Runs the backward pass; see `GradientSync.backward`."""
        del counted
        loss.backward()
        return _detached(losses)


class ExactSync(GradientSync):
    """One message a step, after the backward pass, always summed in the same order."""

    def backward(
        self, loss: paddle.Tensor, losses: Mapping[str, paddle.Tensor], *, counted: bool = True
    ) -> Losses:
        """Runs the backward pass; see `GradientSync.backward`."""
        loss.backward()
        with paddle.no_grad():
            return self._average(_detached(losses), counted)

    def _average(self, losses: Losses, counted: bool) -> Losses:
        gradients, statistics = self.gradients(), self._statistics()
        learnt = [*gradients, *losses.values(), paddle.ones([1])]
        if not counted:
            learnt = [paddle.zeros_like(tensor) for tensor in learnt]
        sums = self._all_reduce([*learnt, *statistics])
        ranks = paddle.clip(sums[len(learnt) - 1], min=1.0)
        for gradient, total in zip(gradients, sums, strict=False):
            gradient.set_value((total / ranks).reshape(gradient.shape))
        self._set_statistics(statistics, sums[len(learnt) :])
        return _shaped_means(losses, sums[len(gradients) : len(learnt) - 1], ranks)


class DataParallelSync(GradientSync):
    """`paddle.DataParallel`: gradients travel while the backward pass runs."""

    overlaps: ClassVar[bool] = True

    def __init__(self, parallel: Parallel, network: nn.Layer) -> None:
        super().__init__(parallel, network)
        parallel.barrier()  # rank 0's weights are sent now
        # A parameter that a step does not use must not keep the ranks waiting for its gradient.
        self.forward = paddle.DataParallel(network, find_unused_parameters=True)

    def backward(
        self, loss: paddle.Tensor, losses: Mapping[str, paddle.Tensor], *, counted: bool = True
    ) -> Losses:
        """Runs the backward pass; see `GradientSync.backward`.

        DataParallel divides by the number of ranks, so the loss is weighted before: 0 where the
        rank does not count, else by the share of those that do.
        """
        own_count = paddle.full([1], float(counted))
        ranks = own_count.clone()
        self._parallel.all_reduce(ranks, synchronized=True)
        ranks = paddle.clip(ranks, min=1.0)
        weight = own_count * self._parallel.world_size / ranks
        (loss * weight.reshape(loss.shape)).backward()
        with paddle.no_grad():
            detached, statistics = _detached(losses), self._statistics()
            learnt = list(detached.values())
            if not counted:
                learnt = [paddle.zeros_like(value) for value in learnt]
            sums = self._all_reduce([*learnt, *statistics])
            self._set_statistics(statistics, sums[len(learnt) :])
            return _shaped_means(detached, sums[: len(learnt)], ranks)


def build_gradient_sync(parallel: Parallel, network: nn.Layer) -> GradientSync:
    """Returns the backend that the processes use."""
    if parallel.world_size == 1:
        return LocalSync(parallel, network)
    backend = DataParallelSync if parallel.on_gpus else ExactSync
    return backend(parallel, network)


def _detached(losses: Mapping[str, paddle.Tensor]) -> Losses:
    return {name: loss.detach() for name, loss in losses.items()}


def _shaped_means(losses: Losses, sums: list[paddle.Tensor], ranks: paddle.Tensor) -> Losses:
    return {
        name: (total / ranks).reshape(value.shape)
        for (name, value), total in zip(losses.items(), sums, strict=True)
    }
