"""From one convolution back to the branches that it was made of, for training in full form.

Which branches an exported convolution came from is lost; any that add up to it compute the same.
Of PP-LCNetV3's the k x k branches share the kernel equally, each with a small deviation of its own
(equal branches would get equal gradients for ever) that the others make up for; the 1 x 1 branch
and the identity begin at nothing and learn their share. Of PP-LCNetV4's the 3 x 3 branch gets the
kernel less the identity, which has no weight, and the 1 x 1 branch begins at nothing.
"""

import numpy as np
from paddle import nn

from ocr_lib.converters.weighted_ops import Array
from ocr_lib.models.backbones.lcnet_v4 import RepDepthwise
from ocr_lib.models.backbones.rep_layer import LearnableRepLayer

DEVIATION = 0.02  # of the kernel's own spread


def split_branches(model: nn.Layer, fused: dict[str, Array], seed: int = 0) -> list[str]:
    """Fills a network with branched convolutions from the arrays of its fused form.

    Args:
        model: the network with branches, changed in place.
        fused: parameter and buffer name → array, of the network with `fused: true`.
        seed: of the deviations.

    Returns:
        The names of the branches' norms, which have no statistics of their own yet.
    """
    rng = np.random.default_rng(seed)
    values = dict(fused)
    norms: list[str] = []
    for name, layer in model.named_sublayers():
        if not isinstance(layer, LearnableRepLayer | RepDepthwise):
            continue
        kernel = values.pop(f"{name}.reparam_conv.weight")
        bias = values.pop(f"{name}.reparam_conv.bias")
        if isinstance(layer, RepDepthwise):
            parts = _depthwise_parts(layer, kernel, bias)
        else:
            parts = _parts(layer, kernel, bias, rng)
        values |= {f"{name}.{part}": array for part, array in parts.items()}
        norms += [f"{name}.{p.removesuffix('._mean')}" for p in parts if p.endswith("._mean")]
    state = model.state_dict()
    for name, array in values.items():
        state[name].set_value(array)
    return norms


def _parts(
    layer: LearnableRepLayer, kernel: Array, bias: Array, rng: np.random.Generator
) -> dict[str, Array]:
    """The arrays of one layer's branches, by name below the layer."""
    parts: dict[str, Array] = {}
    assert layer.conv_kxk is not None
    branches = len(layer.conv_kxk)
    deviations = rng.normal(0, DEVIATION * float(kernel.std()), (branches, *kernel.shape))
    deviations -= deviations.mean(axis=0)
    part = np.asarray(bias / branches, np.float32)
    for i in range(branches):
        share = kernel / branches + deviations[i]
        parts[f"conv_kxk.{i}.conv.weight"] = share.astype(np.float32)
        parts |= _norm(f"conv_kxk.{i}.bn", layer.conv_kxk[i].bn, 1.0, part)
    if layer.conv_1x1 is not None:
        parts["conv_1x1.conv.weight"] = layer.conv_1x1.conv.weight.numpy()
        parts |= _norm("conv_1x1.bn", layer.conv_1x1.bn, 0.0, 0 * bias)
    if layer.identity is not None:
        parts |= _norm("identity", layer.identity, 0.0, 0 * bias)
    return parts


def _depthwise_parts(layer: RepDepthwise, kernel: Array, bias: Array) -> dict[str, Array]:
    """The arrays of PP-LCNetV4's branches, by name below the layer."""
    rest = kernel.copy()
    rest[:, :, rest.shape[2] // 2, rest.shape[3] // 2] -= 1
    return {
        "conv.conv.weight": rest,
        "conv1.weight": np.zeros(layer.conv1.weight.shape, np.float32),
        **_norm("conv.bn", layer.conv.bn, 1.0, 0 * bias),
        **_norm("bn", layer.bn, 1.0, bias),
    }


def _norm(name: str, norm: nn.Layer, scale: float, shift: Array) -> dict[str, Array]:
    """A norm that multiplies by `scale` and adds `shift`."""
    one = np.ones_like(shift)
    return {
        f"{name}.weight": scale * one,
        f"{name}.bias": shift,
        f"{name}._mean": 0 * one,
        f"{name}._variance": one - np.float32(norm._epsilon),
    }
