"""TPS straightens a line and keeps its size."""

import numpy as np
import paddle
import pytest

from ocr_lib.models.transforms.spline import two_rows
from ocr_lib.models.transforms.tps import TPS, spline_matrices
from tests.ocr_lib.models.configured import configured


def test_points_that_stay_leave_the_image_as_it_is() -> None:
    control = two_rows(20, (-1.0, 1.0), -1.0, 1.0)
    inverse, basis = spline_matrices(20, 8, 30)
    grid = basis @ (inverse @ np.vstack([control, np.zeros((3, 2))]))
    x, y = (np.arange(-n, n, 2) + 1.0 for n in (30, 8))
    expected = np.stack(np.meshgrid(x / 30, y / 8), axis=2).reshape(-1, 2)
    np.testing.assert_allclose(grid, expected, atol=1e-4)


@pytest.mark.parametrize("model_name", ["small", "large"])
def test_tps_keeps_the_size_and_learns(model_name: str) -> None:
    transform = configured(TPS, 3, model_name=model_name)
    images = paddle.rand([2, 3, 32, 50])
    output = transform(images)
    assert output.shape == images.shape
    assert transform.out_channels == 3
    (output * paddle.rand(output.shape)).sum().backward()
    assert float(transform.loc_net.fc2.bias.grad.abs().sum()) > 0
    assert transform.grid_generator.fc.weight.grad is None
