"""ResNet31, the backbone of SAR."""

from dataclasses import dataclass

from paddle import Tensor, nn
from paddle.nn import functional

from ocr_lib.config.location import FieldError
from ocr_lib.models.layers import BatchNorm

POOLS = {2: (2, 2), 3: (2, 2), 4: (2, 1)}


class ResNet31Block(nn.Layer):
    """Two 3 x 3 convolutions with a residual path."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2D(in_channels, out_channels, 3, padding=1, bias_attr=False)
        self.bn1 = BatchNorm(out_channels)
        self.conv2 = nn.Conv2D(out_channels, out_channels, 3, padding=1, bias_attr=False)
        self.bn2 = BatchNorm(out_channels)
        self.downsample = None
        if in_channels != out_channels:
            self.downsample = nn.Sequential(
                nn.Conv2D(in_channels, out_channels, 1, bias_attr=False), BatchNorm(out_channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] → [N, C', H, W]."""
        y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return functional.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet31(nn.Layer):
    """ResNet31 for text lines: [N, 3, 48, W] → [N, 512, 6, W/4].

    Args:
        config: its arguments.
        in_channels: channels of the image.

    Source: Li et al., "Show, Attend and Read" (2019); PaddleOCR
    ppocr/modeling/backbones/rec_resnet_31.py.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            layers: blocks of the four stages.
            channels: widths of the two first convolutions, the four stages and the output.
            last_stage_pool: halves height and width once more.
        """

        layers: tuple[int, int, int, int] = (1, 2, 5, 3)
        channels: tuple[int, int, int, int, int, int, int] = (64, 128, 256, 256, 512, 512, 512)
        last_stage_pool: bool = False

        def __post_init__(self) -> None:
            if self.channels[6] != self.channels[5]:
                cause = f"ends with {self.channels[5]} and {self.channels[6]}"
                fix = "Repeat the width of the last stage: it is the output's"
                raise FieldError(self, "channels", cause, fix)

    def __init__(self, config: Config, in_channels: int = 3) -> None:
        super().__init__()
        self.pools = {**POOLS, 5: (2, 2)} if config.last_stage_pool else POOLS
        self.conv1_1 = nn.Conv2D(in_channels, config.channels[0], 3, padding=1)
        self.bn1_1 = BatchNorm(config.channels[0])
        self.conv1_2 = nn.Conv2D(config.channels[0], config.channels[1], 3, padding=1)
        self.bn1_2 = BatchNorm(config.channels[1])
        width = config.channels[1]
        for stage, (depth, out) in enumerate(
            zip(config.layers, config.channels[2:6], strict=True), start=2
        ):
            blocks = []
            for _ in range(depth):
                blocks.append(ResNet31Block(width, out))
                width = out
            self.add_sublayer(f"block{stage}", nn.Sequential(*blocks))
            self.add_sublayer(f"conv{stage}", nn.Conv2D(out, out, 3, padding=1))
            self.add_sublayer(f"bn{stage}", BatchNorm(out))
        self.out_channels = config.channels[-1]

    def forward(self, x: Tensor) -> Tensor:
        """[N, 3, H, W] → [N, out_channels, H/8, W/4]."""
        x = functional.relu(self.bn1_1(self.conv1_1(x)))
        x = functional.relu(self.bn1_2(self.conv1_2(x)))
        for stage in (2, 3, 4, 5):
            if stage in self.pools:
                x = functional.max_pool2d(x, self.pools[stage], ceil_mode=True)
            x = getattr(self, f"block{stage}")(x)
            x = functional.relu(getattr(self, f"bn{stage}")(getattr(self, f"conv{stage}")(x)))
        return x
