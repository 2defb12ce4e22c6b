"""The network of a run with its loss, and how both are computed: what a training step calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import paddle
from paddle import nn

from ocr_lib.losses import build_loss
from ocr_lib.models import build_model
from ocr_lib.text.dictionary import Charset
from ocr_lib.training.gradient_sync import Losses, build_gradient_sync
from ocr_lib.training.parallel import Parallel
from ocr_lib.training.plan import TrainPlan
from ocr_lib.training.precision import Precision, float32
from ocr_lib.training.subnetworks import sub_network
from ocr_lib.training.sync_bn import synchronise

Labels = Mapping[str, paddle.Tensor]  # what `LabelEncoder.encode` gives, and `valid_ratio`


@dataclass(frozen=True)
class StepOutput:
    """What one forward pass gave.

    Attributes:
        losses: float32 scalars: the total as `loss`, and its parts.
        logits: float32 [N, T, K] of the network that reads.
    """

    losses: Losses
    logits: paddle.Tensor


class RecognitionSystem:
    """A network and its loss, built from the run's seed, so that every start is the same.

    Args:
        plan: the run: its networks, its loss, its seed.
        charset: the characters that the network knows.
        parallel: the processes that train the network together.

    Attributes:
        network: the network, in training mode: all of them where several are trained together.
        precision: what it computes in.
        gradient_sync: averages gradients over the processes.

    Raises:
        ConfigError: the parts of the network or the loss do not fit together.
    """

    def __init__(self, plan: TrainPlan, charset: Charset, parallel: Parallel) -> None:
        settings = plan.settings
        paddle.seed(settings.seed)
        np.random.seed(settings.seed)  # some of paddle's initialisers use it
        network = build_model(plan.architecture, charset.num_classes, plan.allowed_parts)
        if settings.use_sync_bn:
            network = synchronise(network, parallel)
        network.train()
        self.network: nn.Layer = network
        self.precision = Precision(settings)
        self.gradient_sync = build_gradient_sync(parallel, network)
        self._loss = build_loss(plan.loss, plan.allowed_parts)
        self._reading_network = plan.reading_network
        self._parallel = parallel
        # Exchanges within the step do not wait for latecomers.
        self._meets = settings.use_sync_bn or self.gradient_sync.overlaps

    @property
    def parameter_count(self) -> int:
        """Numbers in the network's parameters, buffers not counted."""
        return sum(int(np.prod(p.shape)) for p in self.network.parameters())

    def logits(self, images: paddle.Tensor) -> paddle.Tensor:
        """Runs the network that reads, in the mode in which it is.

        Args:
            images: float32 [N, C, H, W], normalised.

        Returns:
            [N, T, K]: logits in training mode, after `network.eval()` probabilities.
        """
        return reading_logits(sub_network(self.network, self._reading_network)(images), "")

    def loss(self, images: paddle.Tensor, labels: Labels) -> StepOutput:
        """Computes the losses of a batch; every rank calls this in step.

        Args:
            images: float32 [N, C, H, W], normalised.
            labels: of the batch, encoded.
        """
        if self._meets:
            self._parallel.barrier()
        with self.precision.autocast():
            outputs = float32(self.gradient_sync.forward(images, labels))
        losses = self._loss(outputs, labels)
        return StepOutput(losses, reading_logits(outputs, self._reading_network))


def reading_logits(outputs: Any, network: str) -> paddle.Tensor:
    """Returns the logits [N, T, K] that are read, of all that networks return.

    Args:
        outputs: a tensor; features and a tensor; a multi-head's tensors by name; all stages by
            name; or any of these by the name of each network.
        network: the reading one, "" where there is only one.
    """
    logits = outputs[network] if network else outputs
    for key in ("head_out", "ctc"):
        if isinstance(logits, dict) and key in logits:
            logits = logits[key]
    return logits[-1] if isinstance(logits, Sequence) else logits
