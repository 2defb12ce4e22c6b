"""SVTR: a text line as patches, mixed locally, then globally; no recurrence, no decoder."""

from collections.abc import Sequence

import numpy as np
from paddle import ParamAttr, Tensor, nn
from paddle.nn import functional
from paddle.nn.initializer import KaimingNormal, TruncatedNormal

from ocr_lib.errors import ConfigError
from ocr_lib.models.necks.svtr import svtr_conv
from ocr_lib.models.parts import choose
from ocr_lib.models.svtr_block import Block, init_linear_and_norm

WHERE = "Architecture.Backbone"
ACTS = {"nn.GELU": nn.GELU, "nn.Swish": nn.Swish, "nn.ReLU": nn.ReLU}


class PatchEmbed(nn.Layer):
    """Overlapping patches: convolutions that halve height and width `halvings` times."""

    def __init__(self, in_channels: int, channels: int, halvings: int):
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

    def __init__(self, in_channels: int, out_channels: int, pools: bool):
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
        in_channels: channels of the image.
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
        prenorm: norms after the residual sums, as PaddleOCR means it (`Block`).

    Source: Du et al., "SVTR: Scene Text Recognition with a Single Visual Model" (2022); PaddleOCR
    ppocr/modeling/backbones/rec_svtrnet.py.
    """

    def __init__(
        self,
        in_channels: int = 3,
        img_size: Sequence[int] = (32, 100),
        embed_dim: Sequence[int] = (64, 128, 256),
        depth: Sequence[int] = (3, 6, 3),
        num_heads: Sequence[int] = (2, 4, 8),
        mixer: Sequence[str] = ("Local",) * 6 + ("Global",) * 6,
        local_mixer: Sequence[Sequence[int]] = ((7, 11),) * 3,
        patch_merging: str | None = "Conv",
        mlp_ratio: float = 4,
        qkv_bias: bool = True,
        qk_scale: float | None = None,
        drop_rate: float = 0.0,
        last_drop: float = 0.1,
        attn_drop_rate: float = 0.0,
        drop_path_rate: float = 0.1,
        epsilon: float = 1e-6,
        out_channels: int = 192,
        out_char_num: int = 25,
        act: str = "nn.GELU",
        last_stage: bool = True,
        sub_num: int = 2,
        prenorm: bool = True,
    ):
        super().__init__()
        self.img_size = list(img_size)
        self.embed_dim = list(embed_dim)
        self.merges = patch_merging in ("Conv", "Pool")
        act_layer = ACTS[choose(act, ACTS, f"{WHERE}.act")]
        choose(sub_num, (2, 3), f"{WHERE}.sub_num")
        if len(mixer) != sum(depth):
            cause = f"{len(mixer)} mixers are given for {sum(depth)} blocks"
            raise ConfigError(f"{WHERE}.mixer", cause, "Name one for each block")

        steps = [1 << (sub_num + 2 if self.merges else sub_num), 1 << sub_num]
        if img_size[0] % steps[0] or img_size[1] % steps[1]:
            cause = f"{self.img_size} are not multiples of {steps}"
            raise ConfigError(f"{WHERE}.img_size", cause, "Give height and width that are")
        height, width = (side >> sub_num for side in img_size)
        self.patch_embed = PatchEmbed(in_channels, embed_dim[0], sub_num)
        self.pos_embed = self.create_parameter(
            [1, height * width, embed_dim[0]], default_initializer=TruncatedNormal(std=0.02)
        )
        self.pos_drop = nn.Dropout(drop_rate)
        self.sizes = []
        drop_paths = iter(np.linspace(0, drop_path_rate, sum(depth)).tolist())
        mixers = iter(mixer)
        for i in range(3):
            size = [height >> i if self.merges else height, width]
            self.sizes.append(size)
            blocks = (
                Block(
                    embed_dim[i],
                    num_heads[i],
                    next(mixers),
                    size,
                    local_mixer[i],
                    mlp_ratio,
                    qkv_bias,
                    qk_scale,
                    drop_rate,
                    attn_drop_rate,
                    next(drop_paths),
                    act_layer,
                    epsilon,
                    prenorm,
                )
                for _ in range(depth[i])
            )
            self.add_sublayer(f"blocks{i + 1}", nn.Sequential(*blocks))
            if self.merges and i < 2:
                merge = SubSample(embed_dim[i], embed_dim[i + 1], patch_merging == "Pool")
                self.add_sublayer(f"sub_sample{i + 1}", merge)
        self.norm = None if prenorm else nn.LayerNorm(embed_dim[-1], epsilon)
        self.last_conv = None
        self.out_channels = embed_dim[-1]
        if last_stage:
            self.out_channels, self.out_char_num = out_channels, out_char_num
            self.last_conv = nn.Conv2D(embed_dim[-1], out_channels, 1, bias_attr=False)
            self.dropout = nn.Dropout(last_drop, mode="downscale_in_infer")
        self.apply(init_linear_and_norm)

    def forward(self, x: Tensor) -> Tensor:
        """[N, 3, H, W] → [N, out_channels, 1, out_char_num], or [N, T, C] without last stage.

        Raises:
            ConfigError: the image has another size than `img_size`.
        """
        height, width = x.shape[2], x.shape[3]  # -1 where an export leaves it open
        if height not in (-1, self.img_size[0]) or width not in (-1, self.img_size[1]):
            cause = f"images are {height} x {width}, the network reads {self.img_size}"
            raise ConfigError(f"{WHERE}.img_size", cause, "Make them equal")
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
