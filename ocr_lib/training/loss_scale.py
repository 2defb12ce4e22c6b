"""Scaling the loss, so that small gradients do not vanish in float16.

Source: Micikevicius et al., Mixed Precision Training (2018); figures of paddle.amp.GradScaler as
PaddleOCR uses it. Paddle's own does nothing on a CPU, and skips steps without counting them.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import paddle

from ocr_lib.training.nan_guard import TrainingError

GROW_AFTER = 2000  # updates without an overflow, then the scale doubles
MAX_IN_ROW = 50  # from 2**40 the scale would have come down to its least by then


@dataclass
class LossScale:
    """A factor of the loss that is taken out of the gradients again.

    Attributes:
        scale: the factor.
        dynamic: halve it at an overflow, double it after `GROW_AFTER` updates without one.
        checked: whether gradients are looked at for overflows; float16's are.
        good: updates since the factor last changed.
        skipped: updates left out because of an overflow, in the whole run.
        in_row: of these, the last without one that was done between.
    """

    scale: float = 1.0
    dynamic: bool = False
    checked: bool = False
    good: int = 0
    skipped: int = 0
    in_row: int = 0

    def scaled(self, loss: paddle.Tensor) -> paddle.Tensor:
        """Returns the loss times the factor."""
        return loss if self.scale == 1.0 else loss * self.scale

    def unscale(self, gradients: Sequence[paddle.Tensor]) -> bool:
        """Takes the factor out of the gradients, in place.

        Returns:
            Whether all of them are finite; where not, this update must be left out.

        Raises:
            TrainingError: they have not been for `MAX_IN_ROW` updates.
        """
        if self.scale != 1.0:
            with paddle.no_grad():
                for gradient in gradients:
                    gradient.scale_(1.0 / self.scale)
        if not self.checked or _finite(gradients):
            self._count_good()
            return True
        self._count_overflow()
        return False

    def describe(self, step: int) -> str:
        """Says that the update of a step was left out."""
        return (
            f"update {step} left out: gradients overflow float16; "
            f"{self.skipped} so far, loss scale {self.scale:g}"
        )

    def states(self) -> dict[str, Any]:
        """Returns what a checkpoint keeps."""
        return asdict(self)

    def restore(self, states: dict[str, Any]) -> None:
        """Takes up what `states` returned; how it works is the configuration's matter."""
        for name in ("good", "skipped", "in_row"):
            setattr(self, name, int(states.get(name, 0)))
        if self.dynamic:
            self.scale = float(states.get("scale", self.scale))

    def _count_good(self) -> None:
        self.in_row = 0
        self.good += 1
        if self.dynamic and self.good >= GROW_AFTER:
            self.scale, self.good = self.scale * 2, 0

    def _count_overflow(self) -> None:
        self.skipped += 1
        self.in_row += 1
        self.good = 0
        if self.in_row >= MAX_IN_ROW:
            raise TrainingError(
                f"the gradients of {self.in_row} updates in a row are not finite, at a loss scale "
                f"of {self.scale:g}. Set Global.amp_dtype=bfloat16, a smaller Global.scale_loss, "
                f"or Global.use_dynamic_loss_scaling=true; the last checkpoint is unharmed."
            )
        if self.dynamic:
            self.scale = max(1.0, self.scale / 2)


def _finite(gradients: Sequence[paddle.Tensor]) -> bool:
    return bool(paddle.stack([paddle.isfinite(g).all() for g in gradients]).all().item())
