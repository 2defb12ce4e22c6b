"""The networks that a foreign recogniser may be, as they are trained on: with their CTC head alone.

An exported recogniser has lost the head that guided its training; what is left reads. Its guide
gone, CTC teaches the backbone, too (`use_guide: false`), and the columns follow the image's width
(`train_columns` unset), so that labels of any length can be learnt.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from ocr_lib.config.custom_parts import NO_PARTS, AllowedParts
from ocr_lib.config.loader import load_config

# What it is called → the shipped configuration that it is trained with.
CONFIGS = {
    "PP-OCRv4 mobile": "ch_PP-OCRv4_rec",  # and v5 mobile, which differs in its characters
    "PP-OCRv3": "ch_PP-OCRv3_rec",
    "PP-OCRv5 server": "PP-OCRv5_server_rec",
    "PP-OCRv4 server": "ch_PP-OCRv4_rec_hgnet",
    "PP-OCRv6 small": "PP-OCRv6_small_rec",
    "PP-OCRv6 tiny": "PP-OCRv6_tiny_rec",
    "PP-OCRv6 medium": "PP-OCRv6_medium_rec",
}
POOLS_TO_COLUMNS = frozenset({"PPLCNetV3", "PPLCNetV4", "PPHGNet_small", "PPHGNetV2_B4"})
BRANCHED = frozenset(
    {"PPLCNetV3", "PPLCNetV4"}
)  # several branches in training, one convolution in a model


@dataclass(frozen=True)
class TargetNetwork:
    """A network that can be imported.

    Attributes:
        name: what people call it.
        architecture: PaddleOCR's `Architecture` block, its branched convolutions fused.
        allowed_parts: custom parts that may be imported when it is built.
    """

    name: str
    architecture: dict[str, Any]
    allowed_parts: AllowedParts = NO_PARTS

    def unfused(self) -> dict[str, Any] | None:
        """Returns the block with branched convolutions; None where the network has none."""
        if self.architecture["Backbone"]["name"] not in BRANCHED:
            return None
        block = deepcopy(self.architecture)
        del block["Backbone"]["fused"]
        return block


def known_networks() -> list[TargetNetwork]:
    """Returns the networks to try, the likeliest first."""
    return [network_of(name, config) for name, config in CONFIGS.items()]


def network_of(name: str, config: str, allowed_parts: AllowedParts = NO_PARTS) -> TargetNetwork:
    """Returns the network of a configuration as an exported model holds it.

    Args:
        name: what people call it.
        config: a shipped configuration's name, or a file.
        allowed_parts: custom parts that it may name.
    """
    loaded = load_config(config, (), allowed_parts, "--config")
    return TargetNetwork(name, _reading_part(loaded.architecture), allowed_parts)


def _reading_part(architecture: Mapping[str, Any]) -> dict[str, Any]:
    block = deepcopy(dict(architecture))
    backbone, head = block["Backbone"], block["Head"]
    if backbone["name"] in POOLS_TO_COLUMNS:
        backbone["train_columns"] = None
    if backbone["name"] in BRANCHED:
        backbone["fused"] = True
    if head["name"] == "MultiHead":
        head["head_list"] = [entry for entry in head["head_list"] if "CTCHead" in entry]
        neck = head["head_list"][0]["CTCHead"].get("Neck", {})
        if "use_guide" in neck:
            neck["use_guide"] = False
    return block
