"""Mixed precision: the network computes in 16 bits, its weights stay float32.

On a GPU Paddle's auto_cast casts what goes into each operator; the parameters are float32 at both
levels, so they are their own master weights, and optimiser and checkpoints see nothing else.

Paddle has no 16-bit kernels for a CPU, and its auto_cast does nothing there. Here a CPU rounds to
16 bits what such a kernel would read and write, forwards and backwards, and computes between in
float32: the numbers of mixed precision at no gain of speed, to try a configuration out.

Source: PaddleOCR tools/train.py for the keys. There O2 stores the weights in 16 bits beside float32
copies in the optimiser, and the checkpoints hold those 16 bits.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import paddle
from paddle import nn

from ocr_lib.config.global_block import GlobalConfig
from ocr_lib.errors import ConfigError
from ocr_lib.training.loss_scale import LossScale

# The layers that O1 computes in 16 bits, by Paddle's names of their operators.
_WHITE: dict[type, frozenset[str]] = {
    nn.Conv2D: frozenset({"conv2d", "depthwise_conv2d"}),
    nn.Linear: frozenset({"linear", "linear_v2", "matmul", "matmul_v2"}),
}
_NORMS = (nn.LayerNorm, nn.GroupNorm)  # as float32 as _BatchNormBase's, which has no public name


class Precision:
    """What a run computes in.

    Args:
        settings: Global.
        model: the network; on a CPU its layers learn to round.

    Raises:
        ConfigError: this GPU does not compute in the configured type, or the operator lists
            contradict each other.
    """

    def __init__(self, settings: GlobalConfig, model: Any) -> None:
        self.mixed = settings.use_amp and settings.amp_level != "O0"
        self._settings = settings
        self._rounds = self.mixed and str(paddle.get_device()) == "cpu"
        self._computing = False
        self.loss_scale = LossScale()
        if not self.mixed:
            return
        _check_lists(settings)
        half = settings.amp_dtype == "float16"  # bfloat16 reaches as far as float32
        dynamic = settings.use_dynamic_loss_scaling and half
        self.loss_scale = LossScale(settings.scale_loss, dynamic, checked=half)
        if self._rounds:
            self._teach(model)
        else:
            self._check_device()

    @contextmanager
    def computing(self) -> Iterator[None]:
        """The network's forward pass belongs into this."""
        if self._rounds:
            self._computing = True
            try:
                yield
            finally:
                self._computing = False
        elif self.mixed:
            with self._auto_cast():
                yield
        else:
            yield

    def describe(self) -> str:
        """Says what is computed in what; "" for float32 throughout."""
        if not self.mixed:
            return ""
        settings = self._settings
        text = f"mixed precision {settings.amp_level} in {settings.amp_dtype}"
        if self.loss_scale.dynamic:
            text += f", loss scale from {self.loss_scale.scale:g}, following overflows"
        elif self.loss_scale.scale != 1.0:
            text += f", loss scale {self.loss_scale.scale:g}"
        if self._rounds:
            text += "; on a CPU values are rounded so, which trains no faster"
        return text

    def _auto_cast(self) -> Any:
        settings = self._settings
        return paddle.amp.auto_cast(
            custom_white_list=list(settings.amp_custom_white_list) or None,
            custom_black_list=list(settings.amp_custom_black_list) or None,
            level=settings.amp_level,
            dtype=settings.amp_dtype,
        )

    def _check_device(self) -> None:
        dtype = self._settings.amp_dtype
        if not getattr(paddle.amp, f"is_{dtype}_supported")():
            raise ConfigError(
                "Global.amp_dtype",
                f"this device does not compute in {dtype}",
                "Choose the other of float16 and bfloat16, or set Global.use_amp=false",
            )

    def _teach(self, model: Any) -> None:
        """Makes the layers round, as the level and the lists of operators say."""
        black = set(self._settings.amp_custom_black_list)
        everywhere = self._settings.amp_level == "O2"
        for layer in model.sublayers(include_self=True):
            operators = next((ops for kind, ops in _WHITE.items() if isinstance(layer, kind)), None)
            if operators is not None:
                if not operators & black:
                    layer.register_forward_pre_hook(self._round_inputs)
                    layer.register_forward_post_hook(self._round_output)
            elif everywhere and not layer.sublayers() and not _is_norm(layer):
                layer.register_forward_post_hook(self._round_output)

    def _round_inputs(self, layer: Any, inputs: Sequence[Any]) -> Any:
        if not self._computing:
            return None
        # An attribute of the instance hides the parameter of the same name until the output.
        for name, parameter in layer._parameters.items():
            if parameter is not None:
                layer.__dict__[name] = self._rounded(parameter)
        return tuple(self._rounded(value) for value in inputs)

    def _round_output(self, layer: Any, _inputs: Any, output: Any) -> Any:
        for name in layer._parameters:
            layer.__dict__.pop(name, None)
        return self._rounded(output) if self._computing else None

    def _rounded(self, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return type(value)(self._rounded(item) for item in value)
        if not isinstance(value, paddle.Tensor) or value.dtype != paddle.float32:
            return value
        return value.astype(self._settings.amp_dtype).astype("float32")


def float32(outputs: Any) -> Any:
    """Returns a network's outputs with every 16-bit tensor as float32: losses want that."""
    if isinstance(outputs, dict):
        return {name: float32(value) for name, value in outputs.items()}
    if isinstance(outputs, (list, tuple)):
        return type(outputs)(float32(value) for value in outputs)
    if isinstance(outputs, paddle.Tensor) and outputs.dtype in (paddle.float16, paddle.bfloat16):
        return outputs.astype("float32")
    return outputs


def _check_lists(settings: GlobalConfig) -> None:
    both = set(settings.amp_custom_white_list) & set(settings.amp_custom_black_list)
    if both:
        raise ConfigError(
            "Global.amp_custom_white_list",
            f"{', '.join(sorted(both))} stands in amp_custom_black_list too",
            "Name each operator in one of them",
        )


def _is_norm(layer: Any) -> bool:
    return isinstance(layer, _NORMS) or hasattr(layer, "_variance")
