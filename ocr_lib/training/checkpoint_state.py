"""Everything of a run that a checkpoint holds: how it gets there and comes back."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import paddle
from paddle import nn
from paddle.optimizer import Optimizer

from ocr_lib.errors import CheckpointError
from ocr_lib.training import checkpoint, weights
from ocr_lib.training.checkpoint import TRAINED
from ocr_lib.training.ema import EMA, EMASettings
from ocr_lib.training.loss_scale import LossScale
from ocr_lib.training.train_state import TrainState


class CheckpointState:
    """What training changes.

    Args:
        network: the network.
        optimizer: over its parameters.
        loss_scale: of mixed precision.
        ema: how the weights' average follows them; None keeps none.

    Attributes:
        progress: how far the run is.
        average: the averaged weights, once training began.
    """

    def __init__(
        self,
        network: nn.Layer,
        optimizer: Optimizer,
        loss_scale: LossScale,
        ema: EMASettings | None,
    ) -> None:
        self.progress = TrainState()
        self.average: EMA | None = None
        self._network = network
        self._optimizer = optimizer
        self._loss_scale = loss_scale
        self._ema = ema
        self._restored_from = ""

    def begin_average(self, updates: int = 0) -> None:
        """Begins averaging with the weights in the network, unless it has begun."""
        if self._ema and not self.average:
            self.average = EMA(self._network, self._ema, updates)

    def nonfinite(self) -> str | None:
        """Returns the name of a weight or statistic that is not finite; None where all are."""
        for name, value in self._network.state_dict().items():
            if value.is_floating_point() and not bool(paddle.isfinite(value).all()):
                return str(name)
        return None

    def averaged(self) -> AbstractContextManager[None]:
        """Within, the network has the weights to evaluate and to keep."""
        return self.average.applied() if self.average else nullcontext()

    def update(self) -> None:
        """Takes one step of the optimiser, and of the average.

        Raises:
            CheckpointError: the optimiser's state that was restored is of another one; paddle
                looks at it only now.
        """
        try:
            self._optimizer.step()
        except AssertionError as error:
            if not self._restored_from:
                raise
            raise _misfit(self._restored_from, error) from error
        if self.average:
            self.average.update()

    def save(self, prefix: Path, previous: Path | None = None) -> None:
        """Writes a checkpoint; its predecessor there stays as `previous`, unless None."""
        optimizer = dict(self._optimizer.state_dict())
        states = self.progress.states() | {"loss_scale": self._loss_scale.states()}
        if self.average:
            trained = self._network.state_dict()
            optimizer[TRAINED] = {name: value.numpy() for name, value in trained.items()}
            states["averaged_updates"] = self.average.updates
        with self.averaged():
            checkpoint.save(prefix, self._network.state_dict(), optimizer, states, previous)

    def restore(self, optimizer: dict[str, Any], states: dict[str, Any], where: str) -> None:
        """Goes on from a checkpoint whose weights are in the network.

        Args:
            optimizer: its `.pdopt`, under this network's tensor names.
            states: its `.states`.
            where: the checkpoint, for errors.

        Raises:
            CheckpointError: they are not those of such a run.
        """
        self._restored_from = where
        try:
            self._restore(optimizer, states)
        except (AssertionError, TypeError, ValueError) as error:
            raise _misfit(where, error) from error

    def _restore(self, optimizer: dict[str, Any], states: dict[str, Any]) -> None:
        trained = optimizer.pop(TRAINED, None)
        self.begin_average(int(states.get("averaged_updates", 0)))
        if trained is not None and weights.match(self._network, trained).share == 1.0:
            weights.load_into(self._network, trained, TRAINED, min_share=1.0)
        self._optimizer.set_state_dict(optimizer)
        self._loss_scale.restore(dict(states.get("loss_scale", {})))
        self.progress = TrainState.from_states(states)


def _misfit(where: str, error: Exception) -> CheckpointError:
    return CheckpointError(
        where,
        f"its optimiser or its progress is not one of such a run ({' '.join(str(error).split())})",
        "Use Global.pretrained_model to start a new run from the weights",
    )
