"""PP-LCNetV3's convolution: several branches in training, one convolution afterwards."""

import paddle
from paddle import ParamAttr, Tensor, nn
from paddle.nn import functional
from paddle.nn.initializer import Constant, KaimingNormal

from ocr_lib.models.layers import BatchNorm, Size, conv_norm, no_decay


class LearnableAffineBlock(nn.Layer):
    """Scales and shifts the whole map by two learnt numbers."""

    def __init__(self, learning_rate: float) -> None:
        super().__init__()
        attr = ParamAttr(learning_rate=learning_rate)
        self.scale = self.create_parameter([1], attr, default_initializer=Constant(1.0))
        self.bias = self.create_parameter([1], attr, default_initializer=Constant(0.0))

    def forward(self, x: Tensor) -> Tensor:
        """Any shape → the same shape."""
        return self.scale * x + self.bias


class Act(nn.Layer):
    """Hard swish and a learnt affine map."""

    def __init__(self, learning_rate: float) -> None:
        super().__init__()
        self.lab = LearnableAffineBlock(learning_rate)

    def forward(self, x: Tensor) -> Tensor:
        """Any shape → the same shape."""
        return self.lab(functional.hardswish(x))


def rep_conv_norm(
    in_channels: int,
    out_channels: int,
    kernel_size: int,
    stride: Size = 1,
    groups: int = 1,
    lr_mult: float = 1.0,
) -> nn.Sequential:
    """One branch: convolution and batch norm."""
    return conv_norm(
        in_channels,
        out_channels,
        kernel_size,
        stride,
        groups=groups,
        weight_attr=ParamAttr(initializer=KaimingNormal(), learning_rate=lr_mult),
        norm_attr=no_decay(lr_mult),
    )


class LearnableRepLayer(nn.Layer):
    """The sum of k x k branches, a 1 x 1 branch and the identity, each with a batch norm.

    All are linear, so that `rep` can make one convolution of them that computes the same in
    evaluation.

    Args:
        in_channels: channels in.
        out_channels: channels out.
        kernel_size: k.
        stride: of every branch.
        groups: of every branch.
        branches: number of k x k branches.
        lr_mult: multiplies the learning rate.
        lab_lr: multiplies the learning rate of the affine maps once more.
        fused: starts with the one convolution, to train or run without branches.

    Source: Ding et al., "RepVGG" (2021); PaddleOCR ppocr/modeling/backbones/rec_lcnetv3.py.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: Size = 1,
        groups: int = 1,
        branches: int = 4,
        lr_mult: float = 1.0,
        lab_lr: float = 0.1,
        fused: bool = False,
    ) -> None:
        super().__init__()
        self.shape = (in_channels, out_channels, kernel_size, stride, groups)
        self.identity = self.conv_1x1 = self.conv_kxk = self.reparam_conv = None
        if fused:
            self.reparam_conv = self._one_convolution()
        else:
            if in_channels == out_channels and stride == 1:
                attr = ParamAttr(learning_rate=lr_mult)
                self.identity = BatchNorm(in_channels, weight_attr=attr, bias_attr=attr)
            self.conv_kxk = nn.LayerList(
                rep_conv_norm(*self.shape, lr_mult) for _ in range(branches)
            )
            if kernel_size > 1:
                self.conv_1x1 = rep_conv_norm(in_channels, out_channels, 1, stride, groups, lr_mult)
        self.lab = LearnableAffineBlock(lr_mult * lab_lr)
        self.act = Act(lr_mult * lab_lr)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] → [N, C', H', W']."""
        if self.reparam_conv is not None:
            return self.act(self.lab(self.reparam_conv(x)))
        outputs = [branch(x) for branch in self._branches()]
        return self.act(self.lab(paddle.add_n(outputs)))

    def rep(self) -> None:
        """Replaces the branches by one convolution that computes what they do in evaluation."""
        if self.reparam_conv is not None:
            return
        fused = self._one_convolution()
        with paddle.no_grad():
            parts = [self._kernel_and_bias(branch) for branch in self._branches()]
            fused.weight.set_value(paddle.add_n([kernel for kernel, _ in parts]))
            fused.bias.set_value(paddle.add_n([bias for _, bias in parts]))
        self.identity = self.conv_1x1 = self.conv_kxk = None
        self.reparam_conv = fused

    def _branches(self) -> list[nn.Layer]:
        single = [b for b in (self.identity, self.conv_1x1) if b is not None]
        return [*single, *(self.conv_kxk or [])]

    def _one_convolution(self) -> nn.Conv2D:
        in_channels, out_channels, kernel, stride, groups = self.shape
        return nn.Conv2D(in_channels, out_channels, kernel, stride, kernel // 2, groups=groups)

    def _kernel_and_bias(self, branch: nn.Layer) -> tuple[Tensor, Tensor]:
        """The k x k kernel and the bias that a branch amounts to in evaluation."""
        in_channels, _, size, _, groups = self.shape
        if isinstance(branch, BatchNorm):
            norm, width = branch, in_channels // groups
            kernel = paddle.eye(width).tile([groups, 1]).reshape([-1, width, 1, 1])
        else:
            norm, kernel = branch.bn, branch.conv.weight
        border = (size - kernel.shape[-1]) // 2
        kernel = functional.pad(kernel, [border] * 4)
        scale = norm.weight / paddle.sqrt(norm._variance + norm._epsilon)
        return kernel * scale.reshape([-1, 1, 1, 1]), norm.bias - norm._mean * scale
