"""Weights, inputs and switches by which the reference numbers were made.

Every weight follows from its name and shape alone, so that two implementations with the same
names have the same weights without sharing a file.
"""

import math
import zlib
from collections.abc import Sequence

import numpy as np
from paddle import nn


def rule_weight(name: str, shape: Sequence[int]) -> np.ndarray:
    """The weight that belongs to a parameter's name and shape: float32."""
    rng = np.random.RandomState(zlib.crc32(name.encode()) & 0xFFFFFFFF)
    x = rng.standard_normal(math.prod(shape) or 1).reshape(shape)
    leaf = name.rsplit(".", 1)[-1]
    if leaf == "_variance":
        x = 0.5 + np.abs(x)
    elif leaf == "_mean":
        x = 0.1 * x
    elif len(shape) >= 2:
        fan_in = math.prod(shape[1:]) if len(shape) == 4 else shape[0]
        x = x / math.sqrt(max(1, fan_in))
    elif leaf.startswith("bias") or leaf.endswith("bias"):
        x = 0.1 * x
    else:
        x = 1 + 0.1 * x
    return x.astype(np.float32)


def set_rule_weights(model: nn.Layer) -> None:
    """Gives every entry of the state its weight; where two names share one, the last counts."""
    for name, tensor in model.state_dict().items():
        tensor.set_value(rule_weight(name, tensor.shape))


def rule_input(shape: Sequence[int]) -> np.ndarray:
    """The images [2, C, H, W] in -1 … 1: float32."""
    return (np.random.RandomState(0).rand(2, *shape) * 2 - 1).astype(np.float32)


def switch_off_dropout(model: nn.Layer) -> None:
    """Dropout and dropped paths off; as in the reference, not the dropout inside LSTMs."""
    for layer in model.sublayers(include_self=True):
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0


def nudge(model: nn.Layer, seed: int) -> None:
    """Moves every weight up or down by about one unit in the last place of float32."""
    rng = np.random.RandomState(seed)
    for parameter in model.parameters():
        weight = parameter.numpy()
        sign = rng.choice([-1, 1], weight.shape)
        parameter.set_value((weight * (1 + sign * 6e-8)).astype(np.float32))
