"""STN_ON: ASTER's rectifier, as SVTR uses it: it also brings the image to a fixed size."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import paddle
from paddle import ParamAttr, Tensor, nn
from paddle.nn import functional
from paddle.nn.initializer import Assign, Constant, Normal

from ocr_lib.config.location import FieldError
from ocr_lib.models.layers import BatchNorm
from ocr_lib.models.transforms.spline import distances, sample, two_rows

WIDTHS = (32, 64, 128, 256, 256, 256)
ACTIVATIONS = ("none", "sigmoid")


def _conv_block(in_channels: int, out_channels: int) -> nn.Sequential:
    std = (2.0 / (9 * out_channels)) ** 0.5
    return nn.Sequential(
        nn.Conv2D(
            in_channels,
            out_channels,
            3,
            padding=1,
            weight_attr=ParamAttr(initializer=Normal(0.0, std)),
            bias_attr=ParamAttr(initializer=Constant(0.0)),
        ),
        BatchNorm(out_channels),
        nn.ReLU(),
    )


class STN(nn.Layer):
    """Predicts the control points of an image of 32 x 64 pixels.

    Args:
        in_channels: channels of the image.
        num_control_points: number of points.
        activation: "none", or "sigmoid", which keeps the points inside the image.
    """

    def __init__(self, in_channels: int, num_control_points: int, activation: str) -> None:
        super().__init__()
        self.num_control_points = num_control_points
        self.uses_sigmoid = activation == "sigmoid"
        layers: list[nn.Layer] = []
        for width in WIDTHS:
            layers += [_conv_block(in_channels, width), nn.MaxPool2D(2, 2)]
            in_channels = width
        self.stn_convnet = nn.Sequential(*layers[:-1])
        self.stn_fc1 = nn.Sequential(
            nn.Linear(
                2 * in_channels,
                512,
                ParamAttr(initializer=Normal(0.0, 0.001)),
                ParamAttr(initializer=Constant(0.0)),
            ),
            BatchNorm(512),
            nn.ReLU(),
        )
        start = two_rows(num_control_points, (0.01, 0.99), 0.01, 0.99)
        if self.uses_sigmoid:
            start = -np.log(1.0 / start - 1.0)
        self.stn_fc2 = nn.Linear(
            512,
            num_control_points * 2,
            ParamAttr(initializer=Constant(0.0)),
            ParamAttr(initializer=Assign(start.reshape(-1).astype(np.float32))),
        )

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, 32, 64] → control points [N, points, 2] in 0 … 1."""
        x = self.stn_fc2(0.1 * self.stn_fc1(self.stn_convnet(x).flatten(1)))
        if self.uses_sigmoid:
            x = functional.sigmoid(x)
        return x.reshape([-1, self.num_control_points, 2])


def spline_radial(points: np.ndarray, control: np.ndarray) -> np.ndarray:
    """The radial basis r² · log r of every point [N, 2] to every control point [M, 2]: [N, M]."""
    radius = distances(points, control)
    return radius**2 * np.log(np.where(radius > 0, radius, 1.0))


def spline_map(count: int, size: Sequence[int], margins: Sequence[float]) -> np.ndarray:
    """The matrix that turns control points into the source of every output pixel.

    Args:
        count: number of control points.
        size: height and width of the output.
        margins: x and y distance of the points from its edges, as a share.

    Returns:
        float32 [height · width, count].
    """
    height, width = size
    margin_x, margin_y = margins
    control = two_rows(count, (margin_x, 1 - margin_x), margin_y, 1 - margin_y)
    kernel = np.zeros((count + 3, count + 3))
    kernel[:count, :count] = spline_radial(control, control)
    affine = np.hstack([np.ones((count, 1)), control])
    kernel[:count, count:] = affine
    kernel[count:, :count] = affine.T
    y, x = np.meshgrid(np.linspace(0, 1, height), np.linspace(0, 1, width), indexing="ij")
    pixels = np.stack([x.ravel(), y.ravel()], axis=1)
    basis = np.hstack([spline_radial(pixels, control), np.ones((len(pixels), 1)), pixels])
    # The three side conditions are zero, so their columns of the inverse are not needed.
    return (basis @ np.linalg.inv(kernel)[:, :count]).astype(np.float32)


class STN_ON(nn.Layer):  # noqa: N801 - the name that configurations use
    """Straightens text lines and brings them to a fixed size.

    Args:
        config: its arguments.
        in_channels: channels of the image.

    Source: Shi et al., "ASTER: An Attentional Scene Text Recognizer with Flexible Rectification"
    (2018); PaddleOCR ppocr/modeling/transforms/stn.py and tps_spatial_transformer.py.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            tps_inputsize: height and width at which the points are predicted.
            tps_outputsize: height and width of the result.
            num_control_points: number of points, an even one.
            tps_margins: x and y distance of the points from the edges of the result, as a share.
            stn_activation: "none" or "sigmoid".
        """

        tps_inputsize: tuple[int, int] = (32, 64)
        tps_outputsize: tuple[int, int] = (32, 100)
        num_control_points: int = 20
        tps_margins: tuple[float, float] = (0.05, 0.05)
        stn_activation: Literal["none", "sigmoid"] = "none"

        def __post_init__(self) -> None:
            height, width = (side // 32 for side in self.tps_inputsize)
            if height * width != 2:
                fix = "Write [32, 64], or another size of two squares of 32 px"
                raise FieldError(self, "tps_inputsize", f"is {list(self.tps_inputsize)}", fix)

    def __init__(self, config: Config, in_channels: int) -> None:
        super().__init__()
        self.stn_head = STN(in_channels, config.num_control_points, config.stn_activation)
        self.input_size = list(config.tps_inputsize)
        self.output_size = list(config.tps_outputsize)
        self.out_channels = in_channels
        matrix = spline_map(config.num_control_points, config.tps_outputsize, config.tps_margins)
        self.register_buffer("spline", paddle.to_tensor(matrix), persistable=False)

    def forward(self, images: Tensor) -> Tensor:
        """[N, C, H, W] → [N, C, output height, output width]."""
        small = functional.interpolate(images, self.input_size, mode="bilinear", align_corners=True)
        source = paddle.matmul(self.spline, self.stn_head(small))
        grid = source.clip(0.0, 1.0).reshape([-1, *self.output_size, 2])
        return sample(images, 2.0 * grid - 1.0)
