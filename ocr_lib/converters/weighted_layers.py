"""A network of this project as the list of its weighted layers, in the order of evaluation."""

from dataclasses import dataclass
from typing import Any

import paddle
from paddle import nn

from ocr_lib.converters.weighted_ops import Kind
from ocr_lib.models.backbones.rep_layer import LearnableAffineBlock

KINDS: dict[type[nn.Layer], Kind] = {
    nn.Conv2D: "convolution",
    nn.BatchNorm2D: "norm",
    nn.Linear: "linear",
    nn.LayerNorm: "layer norm",
    LearnableAffineBlock: "affine",
}
TRACE_WIDTH = 64  # px; any width runs the same layers


@dataclass(frozen=True)
class WeightedLayer:
    """One weighted layer of a network.

    Attributes:
        kind: what it computes.
        name: its structured name in the network, `backbone.conv1.conv`.
        layer: the layer.
    """

    kind: Kind
    name: str
    layer: Any

    @property
    def shape(self) -> list[int]:
        """Shape of its weight."""
        weight = self.layer.scale if self.kind == "affine" else self.layer.weight
        return list(weight.shape)

    def describe(self) -> str:
        """Says what it is, for messages."""
        return f"{self.kind} {self.shape} ({self.name})"


def weighted_layers(model: nn.Layer, channels: int, height: int) -> list[WeightedLayer]:
    """Returns the weighted layers of a network in the order in which evaluation calls them.

    Args:
        model: the network; it is left in evaluation mode.
        channels: of its images.
        height: of its images, px.
    """
    slots: list[WeightedLayer] = []
    hooks = []
    for name, layer in model.named_sublayers():
        kind = next((kind for base, kind in KINDS.items() if isinstance(layer, base)), None)
        if kind:
            slot = WeightedLayer(kind, name, layer)
            hooks.append(layer.register_forward_pre_hook(lambda *_, slot=slot: slots.append(slot)))
    model.eval()
    with paddle.no_grad():
        model(paddle.zeros([1, channels, height, TRACE_WIDTH]))
    for hook in hooks:
        hook.remove()
    return slots
