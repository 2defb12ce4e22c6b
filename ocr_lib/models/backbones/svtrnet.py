"""SVTR: a text line as patches, mixed locally, then globally; no recurrence, no decoder."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from paddle import ParamAttr, Tensor, nn
from paddle.nn import functional
from paddle.nn.initializer import KaimingNormal, TruncatedNormal

from ocr_lib.config.checks import probability
from ocr_lib.config.location import FieldError
from ocr_lib.errors import ConfigError
from ocr_lib.models.necks.svtr import svtr_conv
from ocr_lib.models.svtr_block import SVTRBlock, init_linear_and_norm

Size = tuple[int, int]
Triple = tuple[int, int, int]
MAX_EPSILON = 1e-3  # of Paddle's layer norm
ACTS = {"nn.GELU": nn.GELU, "nn.Swish": nn.Swish, "nn.ReLU": nn.ReLU}


class PatchEmbed(nn.Layer):
    """Overlapping patches: convolutions that halve height and width `halvings` times."""

    def __init__(self, in_channels: int, channels: int, halvings: int) -> None:
        super().__init__()
        widths = [in_channels, *(channels >> i for i in reversed(range(halvings)))]
        self.proj = nn.Sequential(
            *(
                svtr_conv(widths[i], widths[i + 1], 3, 2, act=nn.GELU, bias=True)
                for i in range(halvings)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] → [N, patches, channels]."""
        return self.proj(x).flatten(2).transpose([0, 2, 1])


class SubSample(nn.Layer):
    """Halves the height of a map, by a convolution or by pooling, and widens it."""

    def __init__(self, in_channels: int, out_channels: int, pools: bool) -> None:
        super().__init__()
        self.pools = pools
        if pools:
            self.proj = nn.Linear(in_channels, out_channels)
        else:
            attr = ParamAttr(initializer=KaimingNormal())
            self.conv = nn.Conv2D(in_channels, out_channels, 3, (2, 1), 1, weight_attr=attr)
        self.norm = nn.LayerNorm(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] → sequence [N, H/2 · W, C']."""
        if not self.pools:
            return self.norm(self.conv(x).flatten(2).transpose([0, 2, 1]))
        mean = functional.avg_pool2d(x, (3, 5), (2, 1), (1, 2))
        peak = functional.max_pool2d(x, (3, 5), (2, 1), (1, 2))
        return self.norm(self.proj((0.5 * (mean + peak)).flatten(2).transpose([0, 2, 1])))


class SVTRNet(nn.Layer):
    """SVTR for images of one size: [N, 3, H, W] → [N, out_channels, 1, out_char_num].

    Args:
        config: its arguments.
        in_channels: channels of the image.

    Source: Du et al., "SVTR: Scene Text Recognition with a Single Visual Model" (2022); PaddleOCR
    ppocr/modeling/backbones/rec_svtrnet.py.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            img_size: height and width of the image.
            embed_dim: widths of the three stages.
            depth: blocks of the three stages.
            num_heads: attention heads of the three stages.
            mixer: "Local", "Global" or "Conv" for each block.
            local_mixer: window of the three stages, height and width.
            patch_merging: how the height is halved between stages: "Conv", "Pool", or not at all.
            mlp_ratio: width of the MLPs over the blocks'.
            qkv_bias: whether query, key and value have a bias.
            qk_scale: multiplies the query.
            drop_rate: dropout of positions and blocks.
            last_drop: dropout after the last stage.
            attn_drop_rate: dropout of attention weights.
            drop_path_rate: probability of leaving out a residual path, rising to it from 0.
            epsilon: of the layer norms.
            out_channels: width of the output where there is a last stage.
            out_char_num: columns of the output.
            act: activation of the MLPs: "nn.GELU", "nn.Swish" or "nn.ReLU".
            last_stage: pools to one row; without it the output is a sequence [N, T, C].
            sub_num: how many times the patches halve height and width: 2 or 3.
            prenorm: norms after the residual sums, as PaddleOCR means it (`SVTRBlock`).
        """

        img_size: tuple[int, int] = (32, 100)
        embed_dim: Triple = (64, 128, 256)
        depth: Triple = (3, 6, 3)
        num_heads: Triple = (2, 4, 8)
        mixer: tuple[Literal["Local", "Global", "Conv"], ...] = ("Local",) * 6 + ("Global",) * 6
        local_mixer: tuple[Size, Size, Size] = ((7, 11),) * 3
        patch_merging: Literal["Conv", "Pool"] | None = "Conv"
        mlp_ratio: float = 4.0
        qkv_bias: bool = True
        qk_scale: float | None = None
        drop_rate: float = 0.0
        last_drop: float = 0.1
        attn_drop_rate: float = 0.0
        drop_path_rate: float = 0.1
        epsilon: float = 1e-6
        out_channels: int = 192
        out_char_num: int = 25
        act: Literal["nn.GELU", "nn.Swish", "nn.ReLU"] = "nn.GELU"
        last_stage: bool = True
        sub_num: Literal[2, 3] = 2
        prenorm: bool = True

        def __post_init__(self) -> None:
            probability(self, "drop_rate", "last_drop", "attn_drop_rate", "drop_path_rate")
            if not 0 < self.epsilon <= MAX_EPSILON:
                fix = f"Write more than 0, at most {MAX_EPSILON}"
                raise FieldError(self, "epsilon", f"is {self.epsilon}", fix)
            if len(self.mixer) != sum(self.depth):
                cause = f"has {len(self.mixer)} mixers for {sum(self.depth)} blocks"
                raise FieldError(self, "mixer", cause, "Name one for each block")
            halvings = self.sub_num + (2 if self.patch_merging else 0), self.sub_num
            if any(side % (1 << n) for side, n in zip(self.img_size, halvings, strict=True)):
                factors = [1 << n for n in halvings]
                cause = f"is {list(self.img_size)}, which are not multiples of {factors}"
                raise FieldError(self, "img_size", cause, "Give height and width that are")

    def __init__(self, config: Config, in_channels: int = 3) -> None:
        super().__init__()
        self.img_size = list(config.img_size)
        self.embed_dim = list(config.embed_dim)
        self.merges = config.patch_merging is not None
        height, width = (side >> config.sub_num for side in config.img_size)
        self.patch_embed = PatchEmbed(in_channels, config.embed_dim[0], config.sub_num)
        self.pos_embed = self.create_parameter(
            [1, height * width, config.embed_dim[0]], default_initializer=TruncatedNormal(std=0.02)
        )
        self.pos_drop = nn.Dropout(config.drop_rate)
        self.sizes = []
        drop_paths = iter(np.linspace(0, config.drop_path_rate, sum(config.depth)).tolist())
        mixers = iter(config.mixer)
        for i in range(3):
            size = [height >> i if self.merges else height, width]
            self.sizes.append(size)
            blocks = (
                SVTRBlock(
                    config.embed_dim[i],
                    config.num_heads[i],
                    next(mixers),
                    size,
                    config.local_mixer[i],
                    config.mlp_ratio,
                    config.qkv_bias,
                    config.qk_scale,
                    config.drop_rate,
                    config.attn_drop_rate,
                    next(drop_paths),
                    ACTS[config.act],
                    config.epsilon,
                    config.prenorm,
                )
                for _ in range(config.depth[i])
            )
            self.add_sublayer(f"blocks{i + 1}", nn.Sequential(*blocks))
            if self.merges and i < 2:
                merge = SubSample(
                    config.embed_dim[i], config.embed_dim[i + 1], config.patch_merging == "Pool"
                )
                self.add_sublayer(f"sub_sample{i + 1}", merge)
        self.norm = None if config.prenorm else nn.LayerNorm(config.embed_dim[-1], config.epsilon)
        self.last_conv = None
        self.out_channels = config.embed_dim[-1]
        if config.last_stage:
            self.out_channels, self.out_char_num = config.out_channels, config.out_char_num
            self.last_conv = nn.Conv2D(
                config.embed_dim[-1], config.out_channels, 1, bias_attr=False
            )
            self.dropout = nn.Dropout(config.last_drop, mode="downscale_in_infer")
        self.apply(init_linear_and_norm)

    def forward(self, x: Tensor) -> Tensor:
        """[N, 3, H, W] → [N, out_channels, 1, out_char_num], or [N, T, C] without last stage.

        Raises:
            ConfigError: the image has another size than `img_size`.
        """
        height, width = x.shape[2], x.shape[3]  # -1 where an export leaves it open
        if height not in (-1, self.img_size[0]) or width not in (-1, self.img_size[1]):
            cause = f"images are {height} x {width}, the network reads {self.img_size}"
            raise ConfigError("Architecture.Backbone.img_size", cause, "Make them equal")
        x = self.pos_drop(self.patch_embed(x) + self.pos_embed)
        x = self.blocks1(x)
        if self.merges:
            x = self.sub_sample1(self._as_map(x, 0))
        x = self.blocks2(x)
        if self.merges:
            x = self.sub_sample2(self._as_map(x, 1))
        x = self.blocks3(x)
        if self.norm is not None:
            x = self.norm(x)
        if self.last_conv is None:
            return x
        x = functional.adaptive_avg_pool2d(self._as_map(x, 2), [1, self.out_char_num])
        return self.dropout(functional.hardswish(self.last_conv(x)))

    def _as_map(self, x: Tensor, stage: int) -> Tensor:
        """[N, H · W, C] → [N, C, H, W]."""
        return x.transpose([0, 2, 1]).reshape([0, self.embed_dim[stage], *self.sizes[stage]])
