"""Training losses: `loss(outputs, batch) -> {"loss": scalar, …}`."""

from ocr_lib import quiet_paddle  # noqa: F401 (imports paddle first)
from ocr_lib.losses.build import build_loss

__all__ = ["build_loss"]
