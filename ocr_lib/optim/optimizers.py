"""Optimisers and regularisers: their arguments as PaddleOCR's configurations name them.

Source: PaddleOCR ppocr/optimizer/optimizer.py and regularizer.py for names and defaults, Paddle
for the defaults that PaddleOCR leaves to it.
"""

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from ocr_lib.config.component import Table


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    """What all optimisers share; the class has the name of Paddle's.

    Attributes:
        weight_decay: factor of L2 decay; unset means none.
    """

    HANDLED_SEPARATELY: ClassVar = frozenset(
        {"weight_decay"}
    )  # what Paddle's does not take, or not as it stands

    weight_decay: float | None = None

    def arguments(self) -> dict[str, Any]:
        """Returns the arguments of Paddle's optimiser, without decay, clipping and parameters."""
        return {
            f.name: getattr(self, f.name)
            for f in fields(self)
            if f.name not in self.HANDLED_SEPARATELY
        }


class SGD(Optimizer):
    """Plain stochastic gradient descent."""


@dataclass(frozen=True, kw_only=True)
class Momentum(Optimizer):
    """Gradient descent with momentum.

    Attributes:
        momentum: share of the last update that is kept.
        use_nesterov: look ahead along the momentum.
    """

    momentum: float = 0.9
    use_nesterov: bool = False


@dataclass(frozen=True, kw_only=True)
class Adam(Optimizer):
    """Adam.

    Attributes:
        beta1: decay of the mean of gradients.
        beta2: decay of the mean of their squares.
        epsilon: added to the denominator.
        lazy_mode: update only the rows that a sparse gradient has.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    lazy_mode: bool = False


@dataclass(frozen=True, kw_only=True)
class AdamW(Adam):
    """Adam with decoupled decay.

    Attributes:
        weight_decay: share by which weights shrink, times the learning rate; unset means 0.01.
        multi_precision: keep float32 copies of half-precision weights.
        no_weight_decay_name: blank-separated parts of parameter names that do not shrink.
        one_dim_param_no_weight_decay: parameters of one dimension do not shrink.
    """

    HANDLED_SEPARATELY: ClassVar = Adam.HANDLED_SEPARATELY | {
        "no_weight_decay_name",
        "one_dim_param_no_weight_decay",
    }

    multi_precision: bool = False
    no_weight_decay_name: str = field(default="", metadata={"examples": ("weight", "bias")})
    one_dim_param_no_weight_decay: bool = False


@dataclass(frozen=True, kw_only=True)
class RMSProp(Optimizer):
    """RMSProp.

    Attributes:
        momentum: share of the last update that is kept.
        rho: decay of the mean of squared gradients.
        epsilon: added to the denominator.
    """

    momentum: float = 0.0
    rho: float = 0.95
    epsilon: float = 1e-6


@dataclass(frozen=True, kw_only=True)
class Adadelta(Optimizer):
    """Adadelta.

    Attributes:
        rho: decay of the means.
        epsilon: added to the denominator.
    """

    rho: float = 0.95
    epsilon: float = 1e-8


@dataclass(frozen=True)
class Regularizer:
    """Decay of all weights, added to the gradient.

    Attributes:
        factor: of the decay.
    """

    factor: float = 0.0


class L1(Regularizer):
    """Decay by the sign of each weight."""


class L2(Regularizer):
    """Decay by each weight."""


OPTIMIZERS: Table = {o.__name__: o for o in (SGD, Momentum, Adam, AdamW, RMSProp, Adadelta)}
REGULARIZERS: Table = {"L1": L1, "L2": L2}
