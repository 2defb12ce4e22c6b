"""Mixed precision: on a GPU the network computes in 16 bits, its weights stay float32.

Paddle's auto_cast casts what goes into each operator; the parameters are float32 at both levels, so
they are their own master weights, and optimiser and checkpoints see nothing else. Paddle has no
16-bit kernels for a CPU: there the keys are checked, said to be without effect, and ignored.

Source: PaddleOCR tools/train.py for the keys. There O2 stores the weights in 16 bits beside float32
copies in the optimiser, and the checkpoints hold those 16 bits.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import paddle

from ocr_lib.config.global_block import GlobalConfig
from ocr_lib.errors import ConfigError
from ocr_lib.training.loss_scale import LossScale


class Precision:
    """What a run computes in, on Paddle's present device.

    Args:
        settings: Global.

    Attributes:
        mixed: whether the network computes in 16 bits.
        loss_scale: of float16; 1 where nothing is mixed.

    Raises:
        ConfigError: this GPU does not compute in the configured type, or the operator lists
            contradict each other.
    """

    def __init__(self, settings: GlobalConfig) -> None:
        requested = settings.use_amp and settings.amp_level != "O0"
        on_cpu = str(paddle.get_device()) == "cpu"
        self.mixed = requested and not on_cpu
        self.loss_scale = LossScale()
        self._settings = settings
        self._ignored = requested and on_cpu
        if requested:
            _check_lists(settings)
        if self.mixed:
            _check_device(settings.amp_dtype)
            half = settings.amp_dtype == "float16"  # bfloat16 reaches as far as float32
            dynamic = settings.use_dynamic_loss_scaling and half
            self.loss_scale = LossScale(settings.scale_loss, dynamic, checked=half)

    def autocast(self) -> AbstractContextManager[None]:
        """Returns a context for the network's forward pass."""
        if not self.mixed:
            return nullcontext()
        settings = self._settings
        context: AbstractContextManager[None] = paddle.amp.auto_cast(
            custom_white_list=list(settings.amp_custom_white_list) or None,
            custom_black_list=list(settings.amp_custom_black_list) or None,
            level=settings.amp_level,
            dtype=settings.amp_dtype,
        )
        return context

    def describe(self) -> str:
        """Says what is computed in what; "" where float32 is what the configuration says."""
        if self._ignored:
            return "Global.use_amp has no effect on a CPU: everything is computed in float32"
        if not self.mixed:
            return ""
        text = f"mixed precision {self._settings.amp_level} in {self._settings.amp_dtype}"
        if self.loss_scale.dynamic:
            text += f", loss scale from {self.loss_scale.scale:g}, following overflows"
        elif self.loss_scale.scale != 1.0:
            text += f", loss scale {self.loss_scale.scale:g}"
        return text


def float32(outputs: Any) -> Any:
    """Returns a network's outputs with every 16-bit tensor as float32: losses want that."""
    if isinstance(outputs, dict):
        return {name: float32(value) for name, value in outputs.items()}
    if isinstance(outputs, (list, tuple)):
        return type(outputs)(float32(value) for value in outputs)
    if isinstance(outputs, paddle.Tensor) and outputs.dtype in (paddle.float16, paddle.bfloat16):
        return outputs.astype("float32")
    return outputs


def _check_device(dtype: str) -> None:
    supported = paddle.amp.is_float16_supported, paddle.amp.is_bfloat16_supported
    if not supported[dtype == "bfloat16"]():
        raise ConfigError(
            "Global.amp_dtype",
            f"this device does not compute in {dtype}",
            "Choose the other of float16 and bfloat16, or set Global.use_amp=false",
        )


def _check_lists(settings: GlobalConfig) -> None:
    both = set(settings.amp_custom_white_list) & set(settings.amp_custom_black_list)
    if both:
        raise ConfigError(
            "Global.amp_custom_white_list",
            f"{', '.join(sorted(both))} is in amp_custom_black_list too",
            "Name each operator in one of them",
        )
