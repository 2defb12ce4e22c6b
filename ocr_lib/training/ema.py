"""A moving average of the weights: steadier than the weights themselves, and often better.

Evaluations, the best checkpoint and every `.pdparams` have the average; the weights that training
goes on with lie beside the optimiser's state in `.pdopt`.

Source: Polyak and Juditsky, Acceleration of Stochastic Approximation by Averaging (1992); the
shorter memory of the first updates as in TensorFlow's ExponentialMovingAverage. PaddleOCR's
recognisers have none.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import paddle


class EMA:
    """The averaged weights and batch statistics of a network.

    Args:
        model: the network with the weights that the average begins with.
        decay: share of the average that each update keeps, below 1.
        updates: updates averaged so far.
    """

    def __init__(self, model: Any, decay: float, updates: int = 0) -> None:
        self._model = model
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
        own = self._copies()
        self._put(self._averages)
        try:
            yield
        finally:
            self._put(own)

    def _copies(self) -> dict[str, Any]:
        return {name: value.detach().clone() for name, value in self._floats().items()}

    def _floats(self) -> dict[str, Any]:
        state = self._model.state_dict()
        return {name: value for name, value in state.items() if value.is_floating_point()}

    def _put(self, values: Mapping[str, Any]) -> None:
        for name, value in self._floats().items():
            value.set_value(values[name])
