"""The samples that training uses, and what each needs to know of its size."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class SampleTable:
    """The usable samples of a data set.

    Attributes:
        widths: int32 [len(dataset)], padded width of each sample in px; where batches have several
            sizes, the least.
        indices: int64 [usable], their positions.
        time_steps: padded width in px → CTC steps in training.
        reference_width: up to this width a batch holds the full number of samples: the width
            that three quarters of the samples do not exceed, px.
    """

    widths: NDArray[np.int32]
    indices: NDArray[np.int64]
    time_steps: dict[int, int]
    reference_width: int

    @property
    def digest(self) -> str:
        """Returns a digest: equal ones plan equal batches."""
        content = self.widths.tobytes() + self.indices.tobytes()
        return hashlib.sha256(content).hexdigest()
