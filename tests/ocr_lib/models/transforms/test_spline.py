"""Rows of control points, and reading an image at the places of a grid."""

import numpy as np
import paddle

from ocr_lib.models.transforms.spline import sample, two_rows


def test_two_rows_run_from_left_to_right() -> None:
    points = two_rows(6, (-1.0, 1.0), -1.0, np.array([1.0, 0.5, 0.0]))
    assert points.tolist() == [[-1, -1], [0, -1], [1, -1], [-1, 1], [0, 0.5], [1, 0]]


def test_sampling_an_image_that_needs_no_gradient_does_not_crash() -> None:
    grid = paddle.rand([1, 4, 5, 2]) * 2 - 1
    grid.stop_gradient = False
    sample(paddle.rand([1, 3, 8, 8]), grid).sum().backward()
    assert float(grid.grad.abs().sum()) > 0
