"""STN_ON straightens a line and brings it to a fixed size."""

import numpy as np
import paddle
import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.models.transforms.spline import two_rows
from ocr_lib.models.transforms.stn import STN_ON, spline_map
from ocr_lib.models.transforms.tps import TPS
from tests.ocr_lib.models.configured import configured


def test_a_shift_of_all_points_shifts_every_pixel() -> None:
    control = two_rows(20, (0.05, 0.95), 0.1, 0.9)
    mapping, shift = spline_map(20, (8, 30), (0.05, 0.1)), np.array([0.1, -0.2])
    moved = mapping @ (control + shift) - mapping @ control
    np.testing.assert_allclose(moved, np.tile(shift, (240, 1)), atol=1e-4)
    corners = (mapping @ control)[[0, 29, -1]]
    np.testing.assert_allclose(corners, [[0, 0], [1, 0], [1, 1]], atol=1e-4)


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
