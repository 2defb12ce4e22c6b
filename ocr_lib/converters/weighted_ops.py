"""What a network computes with, one weighted operation after another: the form that both sides of
an import are brought to.

A graph's names say nothing one can rely on (exporters count, optimisers rename), but the order of
its weighted operations and their shapes do.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["convolution", "norm", "linear", "layer norm", "affine"]
Array = NDArray[np.float32]


@dataclass
class WeightedOp:
    """One weighted operation of a graph.

    Attributes:
        kind: "affine" is one scale and one shift for the whole map.
        name: the node's output, for messages.
        arrays: `weight` and `bias`, and for a norm `mean` and `variance` (with its epsilon in it);
            convolutions [out, in, kh, kw], linear layers [in, out].
        after_weights: whether its input comes straight from a convolution or its norm.
    """

    kind: Kind
    name: str
    arrays: dict[str, Array]
    after_weights: bool = False

    def describe(self) -> str:
        """Says what it is, for messages."""
        return f"{self.kind} {list(self.arrays['weight'].shape)} ({self.name})"
