"""A moving average of the weights: steadier than the weights themselves, and often better.

Evaluations, the best checkpoint and every `.pdparams` have the average; the weights that training
goes on with are next to the optimiser's state in `.pdopt`.

Source: Polyak and Juditsky, Acceleration of Stochastic Approximation by Averaging (1992); keys and
decays as in PaddleOCR's ModelEMA. There the weights that training continues with are in `.pdema`.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Self

import paddle
from paddle import nn

from ocr_lib.config.global_block import GlobalConfig

DEFAULT_DECAY = 0.9998


@dataclass(frozen=True)
class EMASettings:
    """How the average follows the weights.

    Attributes:
        decay: share of the average that each update keeps, below 1.
        decay_type: `threshold` keeps less in the first updates: (1 + n) / (10 + n) of update n,
            from 0; `exponential` 1 - exp(-(n + 1) / gamma) of `decay`; `normal` always `decay`.
        gamma: updates, for `exponential`.
        filter_no_grad: parameters that are not trained keep the network's value.
    """

    decay: float
    decay_type: Literal["threshold", "exponential", "normal"] = "threshold"
    gamma: float = 2000.0
    filter_no_grad: bool = False

    @classmethod
    def from_settings(cls, settings: GlobalConfig) -> Self | None:
        """Reads the block Global; None where it asks for no average."""
        enabled = settings.use_ema
        if enabled is None:
            enabled = settings.ema_decay is not None
        if not enabled:
            return None
        return cls(
            DEFAULT_DECAY if settings.ema_decay is None else settings.ema_decay,
            settings.ema_decay_type,
            settings.ema_gamma,
            settings.ema_filter_no_grad,
        )

    def decay_at(self, update: int) -> float:
        """Returns the share that an update keeps; the first is 0."""
        if self.decay_type == "threshold":
            return min(self.decay, (1 + update) / (10 + update))
        if self.decay_type == "exponential":
            return self.decay * (1 - math.exp(-(update + 1) / self.gamma))
        return self.decay


class EMA:
    """The averaged weights and batch statistics of a network.

    Args:
        network: with the weights that the average begins with.
        config: how it follows them.
        updates: updates averaged so far.
    """

    def __init__(self, network: nn.Layer, config: EMASettings, updates: int = 0) -> None:
        self._network = network
        self._config = config
        self.updates = updates
        self._filtered = _not_trained(network) if config.filter_no_grad else frozenset()
        self._averages = self._copies()

    def update(self) -> None:
        """Takes in the weights of one more update."""
        share = 1 - self._config.decay_at(self.updates)
        self.updates += 1
        with paddle.no_grad():
            for name, value in self._floats().items():
                average = self._averages[name]
                average.set_value(average + (value - average) * share)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within, the network has the averages; afterwards its own weights, bit for bit."""
        trained = self._copies()
        self._put(self._averages)
        try:
            yield
        finally:
            self._put(trained)

    def _copies(self) -> dict[str, paddle.Tensor]:
        return {name: value.detach().clone() for name, value in self._floats().items()}

    def _floats(self) -> dict[str, paddle.Tensor]:
        state = self._network.state_dict()
        return {
            name: value
            for name, value in state.items()
            if value.is_floating_point() and name not in self._filtered
        }

    def _put(self, values: Mapping[str, paddle.Tensor]) -> None:
        for name, value in self._floats().items():
            value.set_value(values[name])


def _not_trained(network: nn.Layer) -> frozenset[str]:
    """Returns the parameters without a gradient; batch statistics are averaged all the same."""
    statistics = {
        f"{prefix}.{name}".lstrip(".")
        for prefix, layer in network.named_sublayers(include_self=True)
        if hasattr(layer, "_mean")
        for name in ("_mean", "_variance")
    }
    frozen = {name for name, value in network.named_parameters() if value.stop_gradient}
    return frozenset(frozen - statistics)
