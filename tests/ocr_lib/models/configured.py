"""Layers made of the arguments that a configuration would give."""

from typing import Any

from ocr_lib.config.location import SourceLocation
from ocr_lib.models.parts import build


def configured(part: type, in_channels: int = 3, num_classes: int = 0, **arguments: Any) -> Any:
    """Builds a layer for that many channels and CTC classes."""
    supplied = {"in_channels": in_channels, "num_classes": num_classes}
    return build(part, arguments, SourceLocation(("Part",), {}), **supplied)
