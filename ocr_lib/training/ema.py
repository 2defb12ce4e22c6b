"""A moving average of the weights: steadier than the weights themselves, and often better.

Evaluations, the best checkpoint and every `.pdparams` have the average; the weights that training
goes on with are next to the optimiser's state in `.pdopt`.

Source: Polyak and Juditsky, Acceleration of Stochastic Approximation by Averaging (1992); the
shorter memory of the first updates as in TensorFlow's ExponentialMovingAverage. PaddleOCR's
recognisers have none.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import paddle
from paddle import nn


class EMA:
    """The averaged weights and batch statistics of a network.

    Args:
        network: with the weights that the average begins with.
        decay: share of the average that each update keeps, below 1.
        updates: updates averaged so far.
    """

    def __init__(self, network: nn.Layer, decay: float, updates: int = 0) -> None:
        self._network = network
        self._decay = decay
        self.updates = updates
        self._averages = self._copies()

    def update(self) -> None:
        """Takes in the weights of one more update."""
        self.updates += 1
        share = 1 - min(self._decay, (1 + self.updates) / (10 + self.updates))
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
        return {name: value for name, value in state.items() if value.is_floating_point()}

    def _put(self, values: Mapping[str, paddle.Tensor]) -> None:
        for name, value in self._floats().items():
            value.set_value(values[name])
