"""Several networks in one: a student beside its teachers."""

from collections.abc import Mapping
from typing import Any

from paddle import Tensor, nn

from ocr_lib.models.targets import Batch


class DistillationModel(nn.Layer):
    """Networks that read the same images; their parameters carry their names as a prefix.

    Args:
        networks: name (`Student`, `Teacher`, `Student2`, …) → network.
        pretrained: name → path of the weights a network starts from. They are not loaded here:
            who trains loads them, by the one loader that never executes what it reads.
        frozen: names of the networks that do not learn. Their batch norms keep their statistics
            and their dropout is off, in training as well; in PaddleOCR a frozen teacher's
            statistics drift with the batches.

    Source: PaddleOCR ppocr/modeling/architectures/distillation_model.py.
    """

    def __init__(
        self, networks: Mapping[str, nn.Layer], pretrained: Mapping[str, str], frozen: set[str]
    ) -> None:
        super().__init__()
        self.names = tuple(networks)
        self.pretrained = dict(pretrained)
        for name, network in networks.items():
            self.add_sublayer(name, network)
            if name in frozen:
                freeze(network)

    def network(self, name: str) -> nn.Layer:
        """Returns one of the networks."""
        return dict(self.named_children())[name]

    def forward(self, images: Tensor, targets: Batch | None = None) -> dict[str, Any]:
        """Images [N, C, H, W] → every network's output by name."""
        return {name: self.network(name)(images, targets) for name in self.names}


def keeps_statistics(layer: nn.Layer) -> bool:
    """Tells whether a layer is a batch norm whose statistics stay as they are: a frozen one."""
    return getattr(layer, "_use_global_stats", None) is True


def freeze(network: nn.Layer) -> None:
    """Stops a network from learning, in its parameters as well as in its statistics."""
    for parameter in network.parameters():
        parameter.trainable = False
    for layer in network.sublayers():
        if hasattr(layer, "_use_global_stats"):  # any of paddle's batch norms
            layer._use_global_stats = True
        elif isinstance(layer, nn.Dropout):
            layer.p = 0.0
        elif isinstance(layer, nn.LSTM | nn.GRU):
            layer.dropout = 0.0
