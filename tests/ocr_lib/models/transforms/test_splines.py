import numpy as np
import paddle
import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.models.transforms.spline import sample, two_rows
from ocr_lib.models.transforms.stn import STN_ON, spline_map
from ocr_lib.models.transforms.tps import TPS, spline_matrices
from tests.ocr_lib.models.configured import configured


def test_two_rows_run_from_left_to_right() -> None:
    points = two_rows(6, (-1.0, 1.0), -1.0, np.array([1.0, 0.5, 0.0]))
    assert points.tolist() == [[-1, -1], [0, -1], [1, -1], [-1, 1], [0, 0.5], [1, 0]]


def test_points_that_stay_leave_the_image_as_it_is() -> None:
    control = two_rows(20, (-1.0, 1.0), -1.0, 1.0)
    inverse, basis = spline_matrices(20, 8, 30)
    grid = basis @ (inverse @ np.vstack([control, np.zeros((3, 2))]))
    x, y = (np.arange(-n, n, 2) + 1.0 for n in (30, 8))
    expected = np.stack(np.meshgrid(x / 30, y / 8), axis=2).reshape(-1, 2)
    np.testing.assert_allclose(grid, expected, atol=1e-4)


def test_a_shift_of_all_points_shifts_every_pixel() -> None:
    control = two_rows(20, (0.05, 0.95), 0.1, 0.9)
    mapping, shift = spline_map(20, (8, 30), (0.05, 0.1)), np.array([0.1, -0.2])
    moved = mapping @ (control + shift) - mapping @ control
    np.testing.assert_allclose(moved, np.tile(shift, (240, 1)), atol=1e-4)
    corners = (mapping @ control)[[0, 29, -1]]
    np.testing.assert_allclose(corners, [[0, 0], [1, 0], [1, 1]], atol=1e-4)


def test_sampling_an_image_that_needs_no_gradient_does_not_crash() -> None:
    grid = paddle.rand([1, 4, 5, 2]) * 2 - 1
    grid.stop_gradient = False
    sample(paddle.rand([1, 3, 8, 8]), grid).sum().backward()
    assert float(grid.grad.abs().sum()) > 0


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


@pytest.mark.parametrize("activation", ["none", "sigmoid"])
def test_stn_starts_with_nearly_the_whole_image(activation: str) -> None:
    transform = configured(STN_ON, 3, tps_outputsize=[16, 40], stn_activation=activation)
    transform.eval()
    ramp = paddle.linspace(0, 1, 64).expand([1, 3, 32, 64])
    output = transform(ramp)
    assert output.shape == [1, 3, 16, 40]
    assert paddle.allclose(output[0, 0, 8], paddle.linspace(0, 1, 40), atol=0.06)


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ConfigError, match="model_name"):
        configured(TPS, 3, model_name="middle")
    with pytest.raises(ConfigError, match="stn_activation"):
        configured(STN_ON, 3, stn_activation="tanh")
