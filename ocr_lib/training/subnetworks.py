"""One of several networks: as a layer, and in a checkpoint's weights.

Source: PaddleOCR prefixes the parameters of distillation's networks with their names.
"""

from collections.abc import Mapping
from typing import Any

from paddle import nn

from ocr_lib.training.checkpoint import NAME_TABLE


def sub_network(network: nn.Layer, name: str) -> nn.Layer:
    """Returns the network called `name` of several; `network` itself where the name is empty."""
    return network.network(name) if name else network


def part_of(params: Mapping[str, Any], network: nn.Layer, name: str = "") -> dict[str, Any]:
    """Returns what a checkpoint has for one network, under the network's own names.

    A file of a single network is taken as it is; of one with several the part that begins with
    the network's name, else the one called Student, as all that PaddleOCR publishes have.

    Args:
        params: name → array.
        network: the layer that is to be filled.
        name: of the network among several, or empty.
    """
    names = network.state_dict()
    if any(key in names for key in params):
        return dict(params)
    for prefix in (f"{name}.", "Student."):
        part = {key.removeprefix(prefix): v for key, v in params.items() if key.startswith(prefix)}
        if any(key in names for key in part):
            return part
    return {key: value for key, value in params.items() if key != NAME_TABLE}
