"""Picking a few images that stand for a whole data set."""

import numpy as np
from numpy.typing import NDArray


def evenly_sampled(sizes: NDArray[np.int32], count: int) -> list[int]:
    """Returns positions of `count` images from the narrowest to the widest, evenly spread.

    Args:
        sizes: int32 [N, 2], (width, height) in px.
        count: how many; all of them where there are fewer.
    """
    order = np.argsort(sizes[:, 0] / np.maximum(sizes[:, 1], 1), kind="stable")
    picks = np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int)
    return [int(order[pick]) for pick in picks]
