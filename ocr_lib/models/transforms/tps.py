"""TPS: a thin-plate spline, predicted for each image, straightens a text line."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import paddle
from paddle import ParamAttr, Tensor, nn
from paddle.nn import functional
from paddle.nn.initializer import Assign, Constant

from ocr_lib.models.layers import conv_norm
from ocr_lib.models.transforms.spline import distances, sample, two_rows

WIDTHS = {"large": ((64, 128, 256, 512), 256), "small": ((16, 32, 64, 128), 64)}


class LocalizationNetwork(nn.Layer):
    """Predicts where the control points lie in the image.

    Args:
        in_channels: channels of the image.
        num_fiducial: number of control points.
        loc_lr: multiplies the learning rate of the linear layers.
        model_name: "large" or "small".
    """

    def __init__(self, in_channels: int, num_fiducial: int, loc_lr: float, model_name: str) -> None:
        super().__init__()
        widths, hidden = WIDTHS[model_name]
        self.num_fiducial = num_fiducial
        self.conv_names = [f"loc_conv{i}" for i in range(len(widths))]
        for name, width in zip(self.conv_names, widths, strict=True):
            self.add_sublayer(name, conv_norm(in_channels, width, 3, act=nn.ReLU))
            in_channels = width
        self.fc1 = nn.Linear(in_channels, hidden, ParamAttr(learning_rate=loc_lr))
        half = num_fiducial // 2
        start = two_rows(
            num_fiducial, (-1.0, 1.0), np.linspace(0.0, -1.0, half), np.linspace(1.0, 0.0, half)
        )
        self.fc2 = nn.Linear(
            hidden,
            num_fiducial * 2,
            ParamAttr(learning_rate=loc_lr, initializer=Constant(0.0)),
            ParamAttr(learning_rate=loc_lr, initializer=Assign(start.reshape(-1))),
        )

    def forward(self, x: Tensor) -> Tensor:
        """[N, 3, H, W] → control points [N, points, 2] in -1 … 1."""
        for name in self.conv_names[:-1]:
            x = functional.max_pool2d(getattr(self, name)(x), 2, 2)
        x = functional.adaptive_avg_pool2d(getattr(self, self.conv_names[-1])(x), 1).flatten(1)
        return self.fc2(functional.relu(self.fc1(x))).reshape([-1, self.num_fiducial, 2])


@lru_cache(maxsize=16)
def spline_matrices(points: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """The two constants of the spline for images of a size.

    Returns:
        The inverse that turns control points into coefficients, float32 [points + 3, points + 3],
        and the basis that turns coefficients into the source of every pixel, float32
        [H · W, points + 3].
    """
    control = two_rows(points, (-1.0, 1.0), -1.0, 1.0)
    radius = distances(control, control)
    np.fill_diagonal(radius, 1.0)
    ones = np.ones((points, 1))
    delta = np.zeros((points + 3, points + 3))
    delta[:points] = np.hstack([ones, control, radius**2 * np.log(radius)])
    delta[points:, 3:] = np.hstack([control, ones]).T

    x = (np.arange(-width, width, 2) + 1.0) / width
    y = (np.arange(-height, height, 2) + 1.0) / height
    pixels = np.stack(np.meshgrid(x, y), axis=2).reshape(-1, 2)
    radius = distances(pixels, control)
    basis = np.hstack([np.ones((len(pixels), 1)), pixels, radius**2 * np.log(radius + 1e-6)])
    return np.linalg.inv(delta).astype(np.float32), basis.astype(np.float32)


class GridGenerator(nn.Layer):
    """From control points to the place every pixel is read from.

    `fc` gives the spline's three side conditions. They are zero, and it is never trained: it is
    there because PaddleOCR's weights have it.
    """

    def __init__(self, num_fiducial: int) -> None:
        super().__init__()
        self.num_fiducial = num_fiducial
        frozen = ParamAttr(learning_rate=0.0, initializer=Constant(0.0))
        self.fc = nn.Linear(num_fiducial * 2, 6, frozen, frozen)

    def forward(self, points: Tensor, height: int, width: int) -> Tensor:
        """Control points [N, points, 2] → grid [N, H, W, 2] in -1 … 1."""
        inverse, basis = spline_matrices(self.num_fiducial, height, width)
        side = self.fc(points.flatten(1)).reshape([-1, 3, 2]).detach()
        values = paddle.concat([points, side], axis=1)
        coefficients = paddle.matmul(paddle.to_tensor(inverse), values)
        grid = paddle.matmul(paddle.to_tensor(basis), coefficients)
        return grid.reshape([-1, height, width, 2])


class TPS(nn.Layer):
    """Straightens text lines: [N, C, H, W] → the same shape.

    Args:
        config: its arguments.
        in_channels: channels of the image.

    Source: Shi et al., "Robust Scene Text Recognition with Automatic Rectification" (RARE, 2016);
    PaddleOCR ppocr/modeling/transforms/tps.py.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            num_fiducial: number of control points, an even one.
            loc_lr: multiplies the learning rate of the predicting linear layers.
            model_name: "large" or "small".
        """

        num_fiducial: int = 20
        loc_lr: float = 0.1
        model_name: Literal["small", "large"] = "small"

    def __init__(self, config: Config, in_channels: int) -> None:
        super().__init__()
        self.loc_net = LocalizationNetwork(
            in_channels, config.num_fiducial, config.loc_lr, config.model_name
        )
        self.grid_generator = GridGenerator(config.num_fiducial)
        self.out_channels = in_channels

    def forward(self, images: Tensor) -> Tensor:
        """[N, C, H, W] → [N, C, H, W]."""
        height, width = images.shape[2:]
        grid = self.grid_generator(self.loc_net(images), height, width)
        return sample(images, grid)
