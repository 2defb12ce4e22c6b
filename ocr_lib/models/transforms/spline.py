"""What thin-plate splines share: rows of control points, distances, and sampling an image."""

import numpy as np
from paddle import Tensor
from paddle.nn import functional


def two_rows(
    count: int, x_range: tuple[float, float], top: np.ndarray | float, bottom: np.ndarray | float
) -> np.ndarray:
    """Returns `count` points, half along the top and half along the bottom edge.

    Args:
        count: number of points.
        x_range: x of the first and the last point of a row.
        top: y of the top row, one or one a point.
        bottom: y of the bottom row.

    Returns:
        float64 [count, 2] as x, y.
    """
    x = np.linspace(*x_range, count // 2)
    rows = [np.stack([x, np.broadcast_to(y, x.shape)], axis=1) for y in (top, bottom)]
    return np.concatenate(rows)


def distances(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Returns the distance of every point [N, 2] to every other one [M, 2]: [N, M]."""
    return np.linalg.norm(points[:, None] - others[None], axis=2)


def sample(images: Tensor, grid: Tensor) -> Tensor:
    """Reads an image at the places of a grid.

    Args:
        images: float32 [N, C, H, W].
        grid: x and y in -1 … 1, float32 [N, H', W', 2].

    Returns:
        float32 [N, C, H', W'].
    """
    # paddle 3.3 crashes in the backward pass where the image itself needs no gradient.
    images = images.detach()
    images.stop_gradient = False
    return functional.grid_sample(images, grid)
