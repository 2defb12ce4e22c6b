"""SVTR encoders: global mixing blocks between the convolutions of PP-OCRv3 to v5, or of v6."""

from dataclasses import dataclass

import paddle
from paddle import ParamAttr, Tensor, nn
from paddle.nn.initializer import KaimingUniform

from ocr_lib.config.checks import probability
from ocr_lib.config.location import FieldError
from ocr_lib.models.layers import BatchNorm, Size, conv_norm
from ocr_lib.models.svtr_block import SVTRBlock, init_linear_and_norm


def svtr_conv(
    in_channels: int,
    out_channels: int,
    kernel_size: Size = 1,
    stride: Size = 1,
    act: type[nn.Layer] = nn.Swish,
    bias: bool = False,
) -> nn.Sequential:
    """Convolution, norm and activation as SVTR's networks name and initialise them."""
    return conv_norm(
        in_channels,
        out_channels,
        kernel_size,
        stride,
        act=act,
        names=("conv", "norm"),
        bias=bias,
        weight_attr=ParamAttr(initializer=KaimingUniform()),
    )


class EncoderWithSVTR(nn.Layer):
    """Mixes the columns of a feature map and joins the result with the map.

    Args:
        config: its arguments.
        in_channels: channels of the map.

    Source: Du et al., "SVTR" (2022); PaddleOCR ppocr/modeling/necks/rnn.py.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            dims: channels of the output.
            depth: number of mixing blocks.
            hidden_dims: width of the blocks.
            use_guide: keeps the gradient of this branch from the backbone, which another head
                guides.
            num_heads: attention heads.
            qkv_bias: whether query, key and value have a bias.
            mlp_ratio: width of the MLP over `hidden_dims`.
            drop_rate: dropout.
            attn_drop_rate: dropout of the attention weights.
            drop_path: probability of leaving out a residual path.
            kernel_size: of the first and the last wide convolution; [1, 3] in PP-OCRv4.
            qk_scale: multiplies the query.
        """

        dims: int = 64
        depth: int = 2
        hidden_dims: int = 120
        use_guide: bool = False
        num_heads: int = 8
        qkv_bias: bool = True
        mlp_ratio: float = 2.0
        drop_rate: float = 0.1
        attn_drop_rate: float = 0.1
        drop_path: float = 0.0
        kernel_size: tuple[int, int] = (3, 3)
        qk_scale: float | None = None

        def __post_init__(self) -> None:
            probability(self, "drop_rate", "attn_drop_rate", "drop_path")

    def __init__(self, config: Config, in_channels: int) -> None:
        super().__init__()
        self.use_guide = config.use_guide
        self.hidden_dims = config.hidden_dims
        narrow, kernel = in_channels // 8, list(config.kernel_size)
        self.conv1 = svtr_conv(in_channels, narrow, kernel)
        self.conv2 = svtr_conv(narrow, config.hidden_dims)
        self.svtr_block = _mixing_blocks(config.hidden_dims, config)
        self.norm = nn.LayerNorm(config.hidden_dims, 1e-6)
        self.conv3 = svtr_conv(config.hidden_dims, in_channels)
        self.conv4 = svtr_conv(2 * in_channels, narrow, kernel)
        self.conv1x1 = svtr_conv(narrow, config.dims)
        self.out_channels = config.dims
        self.apply(init_linear_and_norm)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] → [N, dims, H, W]."""
        if self.use_guide:
            x = x.detach()
        y = self.conv2(self.conv1(x))
        height = y.shape[2]
        y = self.norm(self.svtr_block(y.flatten(2).transpose([0, 2, 1])))
        y = y.transpose([0, 2, 1]).reshape([0, self.hidden_dims, height, -1])
        return self.conv1x1(self.conv4(paddle.concat([x, self.conv3(y)], axis=1)))


class EncoderWithLightSVTR(nn.Layer):
    """Narrows a feature map, mixes near columns, then all of them, beside a narrow copy of the map.

    Args:
        config: its arguments.
        in_channels: channels of the map.

    Source: PaddleOCR ppocr/modeling/necks/rnn.py.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            dims: channels of the output, and width of the blocks.
            depth: number of mixing blocks.
            local_kernel: columns that the depthwise convolution mixes; odd.
            use_guide: keeps the gradient of this branch from the backbone, which another head
                guides.
            num_heads: attention heads.
            qkv_bias: whether query, key and value have a bias.
            mlp_ratio: width of the MLP over `dims`.
            drop_rate: dropout.
            attn_drop_rate: dropout of the attention weights.
            drop_path: probability of leaving out a residual path.
            qk_scale: multiplies the query.
        """

        dims: int = 64
        depth: int = 1
        local_kernel: int = 7
        use_guide: bool = False
        num_heads: int = 8
        qkv_bias: bool = True
        mlp_ratio: float = 4.0
        drop_rate: float = 0.1
        attn_drop_rate: float = 0.1
        drop_path: float = 0.0
        qk_scale: float | None = None

        def __post_init__(self) -> None:
            probability(self, "drop_rate", "attn_drop_rate", "drop_path")
            if self.local_kernel < 1 or self.local_kernel % 2 == 0:
                cause = f"is {self.local_kernel}, and the map must keep its width"
                raise FieldError(self, "local_kernel", cause, "Give an odd number, such as 7")
            if self.dims % self.num_heads:
                cause = f"is {self.dims}, which {self.num_heads} heads cannot share equally"
                raise FieldError(self, "dims", cause, "Give a multiple of num_heads")

    def __init__(self, config: Config, in_channels: int) -> None:
        super().__init__()
        self.use_guide = config.use_guide
        self.out_channels = width = config.dims
        self.conv_reduce = svtr_conv(in_channels, width)
        self.local_conv = nn.Sequential(
            nn.Conv2D(
                width,
                width,
                [1, config.local_kernel],
                padding=[0, config.local_kernel // 2],
                groups=width,
                bias_attr=False,
            ),
            BatchNorm(width),
            nn.Swish(),
        )
        self.svtr_block = _mixing_blocks(width, config)
        self.norm = nn.LayerNorm(width, 1e-6)
        self.skip_conv = svtr_conv(in_channels, width)
        self.apply(init_linear_and_norm)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] → [N, dims, H, W]."""
        if self.use_guide:
            x = x.detach()
        skip = self.skip_conv(x)
        y = self.conv_reduce(x)
        y = y + self.local_conv(y)
        height = y.shape[2]
        y = self.norm(self.svtr_block(y.flatten(2).transpose([0, 2, 1])))
        y = y.transpose([0, 2, 1]).reshape([0, self.out_channels, height, -1])
        return skip + y


def _mixing_blocks(
    width: int, config: EncoderWithSVTR.Config | EncoderWithLightSVTR.Config
) -> nn.Sequential:
    blocks = (
        SVTRBlock(
            width,
            config.num_heads,
            mlp_ratio=config.mlp_ratio,
            qkv_bias=config.qkv_bias,
            qk_scale=config.qk_scale,
            dropout=config.drop_rate,
            attention_dropout=config.attn_drop_rate,
            drop_path=config.drop_path,
            act=nn.Swish,
            epsilon=1e-5,
            prenorm=False,
        )
        for _ in range(config.depth)
    )
    return nn.Sequential(*blocks)
