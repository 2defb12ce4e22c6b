"""The samples that training uses, and what each needs to know of its size."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ocr_lib.data.positions import Positions

DIGESTED = 1 << 20  # positions at a time


@dataclass(frozen=True)
class LearnableSamples:
    """What reading a batch takes of a `SampleTable`; small, for it is sent to every worker.

    Attributes:
        usable: positions of the usable samples.
        time_steps: padded width in px → CTC steps in training.
    """

    usable: Positions
    time_steps: dict[int, int]


@dataclass(frozen=True)
class SampleTable:
    """The usable samples of a data set.

    Attributes:
        widths: int32 [len(dataset)], padded width of each sample in px; where batches have several
            sizes, the least.
        usable: their positions.
        time_steps: padded width in px → CTC steps in training.
        reference_width: up to this width a batch holds the full number of samples: the width
            that three quarters of the samples do not exceed, px.
    """

    widths: NDArray[np.int32]
    usable: Positions
    time_steps: dict[int, int]
    reference_width: int

    @property
    def digest(self) -> str:
        """Returns a digest: equal ones plan equal batches."""
        digest = hashlib.sha256(np.ascontiguousarray(self.widths).data)
        indices = self.indices
        for start in range(0, len(indices), DIGESTED):  # of 64 bits, as version 0.1 had them
            digest.update(indices[start : start + DIGESTED].astype(np.int64).data)
        return digest.hexdigest()

    @property
    def indices(self) -> NDArray[np.signedinteger]:
        """Positions of the usable samples, int [usable]; an array of its own at each call."""
        return self.usable.to_array()

    @property
    def learnable(self) -> LearnableSamples:
        """What reading batches takes."""
        return LearnableSamples(self.usable, self.time_steps)
