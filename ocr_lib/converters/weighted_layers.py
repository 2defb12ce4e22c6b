"""A network of this project as the list of its weighted layers, in the order of evaluation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import paddle
from paddle import nn

from ocr_lib.converters.weighted_ops import Kind
from ocr_lib.models.backbones.rep_layer import LearnableAffineBlock

KINDS: dict[type[nn.Layer], Kind] = {
    nn.Conv2D: "convolution",
    nn.Conv1D: "convolution",
    nn.BatchNorm2D: "norm",
    nn.Linear: "linear",
    nn.LayerNorm: "layer norm",
    LearnableAffineBlock: "affine",
}
SKIP = ".skip_conv."  # the parallel path of PP-OCRv6's neck
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


def graph_orders(slots: Sequence[WeightedLayer]) -> Iterator[list[WeightedLayer]]:
    """Yields the orders in which a graph may have a network's layers.

    Of two parallel paths either may come first: Paddle writes PP-OCRv6's neck in the order in
    which PaddleOCR calls it, ONNX Runtime's optimiser leaves its skip path to the end.
    """
    yield list(slots)
    skip = [slot for slot in slots if SKIP in slot.name]
    if skip:
        neck = skip[0].name.partition(SKIP)[0]
        rest = [slot for slot in slots if SKIP not in slot.name]
        end = 1 + max(i for i, slot in enumerate(rest) if slot.name.startswith(f"{neck}."))
        yield [*rest[:end], *skip, *rest[end:]]
