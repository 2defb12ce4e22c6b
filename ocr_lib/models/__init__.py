"""Recognition networks: transform → backbone → neck → head, under PaddleOCR's parameter names."""

from ocr_lib import quiet_paddle  # noqa: F401 (imports paddle first)
from ocr_lib.models.build import build_model

__all__ = ["build_model"]
