"""Putting a graph's weighted operations into a network's layers, one after another."""

from collections.abc import Sequence

import numpy as np

from ocr_lib.converters.weighted_layers import WeightedLayer
from ocr_lib.converters.weighted_ops import Array, WeightedOp


class MismatchError(Exception):
    """The graph is none of this network; says at which layer.

    Args:
        fitted: layers that were filled before.
        cause: what was found in place of what.
    """

    def __init__(self, fitted: int, cause: str) -> None:
        self.fitted = fitted
        self.cause = cause
        super().__init__(cause)


def match_weights(
    slots: Sequence[WeightedLayer], steps: Sequence[WeightedOp]
) -> tuple[dict[str, Array], list[str]]:
    """Fills every layer of a network with the graph's weights.

    What exporters and optimisers fold away is put back as something that computes nothing: a batch
    norm that adds the convolution's bias, an affine map of 1 and 0.

    Args:
        slots: the network's layers, in order.
        steps: the graph's operations, in order.

    Returns:
        Parameter and buffer name → array, and the names of the norms that were folded away.

    Raises:
        MismatchError: at a layer the graph does something else, or it goes on after the last one.
    """
    filling = _Filling(steps)
    for position, slot in enumerate(slots):
        filling.fill(slot, position)
    if left := filling.left():
        raise MismatchError(len(slots), f"after the network's last layer there is {left}")
    return filling.arrays, filling.folded


class _Filling:
    def __init__(self, steps: Sequence[WeightedOp]) -> None:
        self.arrays: dict[str, Array] = {}
        self.folded: list[str] = []
        self._steps = list(steps)
        self._next = 0
        self._bias: Array | None = None  # of a convolution whose layer has none: its norm's
        self._after_weights = False

    def fill(self, slot: WeightedLayer, position: int) -> None:
        """Fills one layer; what the graph lacks because it was folded becomes neutral."""
        step = self._matching(slot)
        if slot.kind == "norm":
            self._norm(slot, step)
        elif slot.kind == "affine":
            self._affine(slot, step)
        elif step is None:
            following = self._steps[self._next].describe() if self.left() else "the graph's end"
            raise MismatchError(position, f"in place of {slot.describe()} there is {following}")
        else:
            self._layer(slot, step)
        self._after_weights = slot.kind in ("convolution", "norm")

    def left(self) -> str:
        """Describes the next operation of the graph; empty at its end."""
        while self._next < len(self._steps) and _only_scales(self._steps[self._next]):
            self._next += 1
        return self._steps[self._next].describe() if self._next < len(self._steps) else ""

    def _matching(self, slot: WeightedLayer) -> WeightedOp | None:
        """Takes the next operation if it is what the layer does."""
        start = self._next
        while start < len(self._steps):
            step = self._steps[start]
            if self._is(step, slot):
                self._next = start + 1
                return step
            if not _only_scales(step):
                break
            start += 1
        return None

    def _is(self, step: WeightedOp, slot: WeightedLayer) -> bool:
        shape = list(step.arrays["weight"].shape)
        if len(slot.shape) == 3:  # a convolution over columns is exported as one over an image
            shape = _of_columns(shape)
        if step.kind != slot.kind or shape != slot.shape:
            return False
        return slot.kind != "affine" or step.after_weights == self._after_weights

    def _layer(self, slot: WeightedLayer, step: WeightedOp) -> None:
        self._set(slot, "weight", step.arrays["weight"].reshape(slot.shape))
        width = slot.layer.weight.shape[0 if slot.kind == "convolution" else -1]
        bias = step.arrays.get("bias", np.zeros(width, np.float32))
        if slot.layer.bias is not None:
            self._set(slot, "bias", bias)
        elif slot.kind == "convolution":
            self._bias = bias
        elif bias.any():
            raise MismatchError(self._next, f"{slot.describe()} has no bias, the graph's has one")

    def _norm(self, slot: WeightedLayer, step: WeightedOp | None) -> None:
        epsilon = np.float32(slot.layer._epsilon)
        bias = np.zeros(slot.shape, np.float32) if self._bias is None else self._bias
        self._bias = None
        if step is None:
            self.folded.append(slot.name)
            values = np.ones_like(bias), bias, np.zeros_like(bias), np.ones_like(bias) - epsilon
        else:
            arrays = step.arrays
            variance = arrays["variance"] + arrays["epsilon"] - epsilon
            values = arrays["weight"], arrays["bias"], arrays["mean"] - bias, variance
        for name, value in zip(("weight", "bias", "_mean", "_variance"), values, strict=True):
            self._set(slot, name, value)

    def _affine(self, slot: WeightedLayer, step: WeightedOp | None) -> None:
        one = np.ones(1, np.float32)
        self._set(slot, "scale", one if step is None else step.arrays["weight"])
        self._set(slot, "bias", 0 * one if step is None else step.arrays["bias"])

    def _set(self, slot: WeightedLayer, name: str, value: Array) -> None:
        self.arrays[f"{slot.name}.{name}"] = np.asarray(value, np.float32)


def _of_columns(shape: list[int]) -> list[int]:
    """Returns a kernel's shape without its height or width where that is 1."""
    return [*shape[:2], max(shape[2:])] if len(shape) == 4 and 1 in shape[2:] else shape


def _only_scales(step: WeightedOp) -> bool:
    """Whether an affine map has no shift: attention's scale, written as Paddle's `scale`."""
    return step.kind == "affine" and not step.arrays["bias"].any()
