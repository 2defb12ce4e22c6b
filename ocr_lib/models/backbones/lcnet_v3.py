"""PP-LCNetV3, the backbone of PP-OCRv4's and v5's mobile recognisers."""

from dataclasses import dataclass

from paddle import ParamAttr, Tensor, nn

from ocr_lib.config.location import FieldError
from ocr_lib.models.backbones.line_pool import TRAIN_COLUMNS, pool_to_line
from ocr_lib.models.backbones.rep_layer import LearnableRepLayer, rep_conv_norm
from ocr_lib.models.layers import Size, SqueezeExcite, make_divisible

# A stage's blocks: depthwise kernel, output width before scaling, stride, squeeze-excite.
STAGES: dict[str, tuple[tuple[int, int, Size, bool], ...]] = {
    "blocks2": ((3, 32, 1, False),),
    "blocks3": ((3, 64, 1, False), (3, 64, 1, False)),
    "blocks4": ((3, 128, (2, 1), False), (3, 128, 1, False)),
    "blocks5": ((3, 256, (1, 2), False), *((5, 256, 1, False),) * 4),
    "blocks6": (
        (5, 512, (2, 1), True),
        (5, 512, 1, True),
        (5, 512, (2, 1), False),
        (5, 512, 1, False),
    ),
}


class LCNetV3Block(nn.Layer):
    """A depthwise and a pointwise branched convolution, a gate between where asked for."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        stride: Size,
        squeeze: bool,
        branches: int,
        lr_mult: float,
        lab_lr: float,
        fused: bool,
    ) -> None:
        super().__init__()
        rates = branches, lr_mult, lab_lr, fused
        self.dw_conv = LearnableRepLayer(
            in_channels, in_channels, kernel, stride, in_channels, *rates
        )
        attr = ParamAttr(learning_rate=lr_mult)
        self.se = SqueezeExcite(in_channels, attr=attr) if squeeze else None
        self.pw_conv = LearnableRepLayer(in_channels, out_channels, 1, 1, 1, *rates)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] → [N, C', H', W']."""
        x = self.dw_conv(x)
        if self.se is not None:
            x = self.se(x)
        return self.pw_conv(x)


class PPLCNetV3(nn.Layer):
    """PP-LCNetV3 for text lines: [N, 3, 48, W] → [N, C, 1, W/8].

    Args:
        config: its arguments.
        in_channels: channels of the image.

    Source: Cui et al., "PP-LCNet" (2021); PaddleOCR ppocr/modeling/backbones/rec_lcnetv3.py.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            scale: multiplies every width; 0.95 in PP-OCRv4.
            conv_kxk_num: k x k branches of each convolution in training.
            lr_mult_list: learning rate multipliers of the first convolution and the five stages.
            lab_lr: learning rate multiplier of the learnt affine maps.
            train_columns: columns in training, PaddleOCR's 40; null keeps W/8 (`pool_to_line`).
            fused: one convolution in place of the branches from the start: faster to train, and
                what an imported inference model consists of.
        """

        scale: float = 1.0
        conv_kxk_num: int = 4
        lr_mult_list: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
        lab_lr: float = 0.1
        train_columns: int | None = TRAIN_COLUMNS
        fused: bool = False

        def __post_init__(self) -> None:
            if len(self.lr_mult_list) != 6:
                cause = f"has {len(self.lr_mult_list)} values"
                raise FieldError(self, "lr_mult_list", cause, "Give six")

    def __init__(self, config: Config, in_channels: int = 3) -> None:
        super().__init__()
        self.train_columns = config.train_columns
        width = make_divisible(16 * config.scale, 16)
        self.conv1 = rep_conv_norm(in_channels, width, 3, 2, lr_mult=config.lr_mult_list[0])
        for (stage, rows), lr_mult in zip(STAGES.items(), config.lr_mult_list[1:], strict=True):
            blocks = []
            for kernel, out, stride, squeeze in rows:
                out_width = make_divisible(out * config.scale, 16)
                settings = config.conv_kxk_num, lr_mult, config.lab_lr, config.fused
                blocks.append(LCNetV3Block(width, out_width, kernel, stride, squeeze, *settings))
                width = out_width
            self.add_sublayer(stage, nn.Sequential(*blocks))
        self.out_channels = width

    def forward(self, x: Tensor) -> Tensor:
        """[N, 3, 48, W] → [N, out_channels, 1, W/8], or `train_columns` wide in training."""
        x = self.conv1(x)
        for stage in STAGES:
            x = getattr(self, stage)(x)
        return pool_to_line(x, self.training, self.train_columns)
