"""The optimiser that a configuration names.

Source: PaddleOCR ppocr/optimizer/optimizer.py for names and defaults. The learning rate is set
by the trainer at every step (`ocr_lib.train.schedule`), so no scheduler object is involved.
"""

from collections.abc import Callable
from typing import Any

import paddle

from ocr_lib.config.schema import OptimizerConfig
from ocr_lib.errors import ConfigError


def build_optimizer(config: OptimizerConfig, model: Any) -> Any:
    """Returns a paddle optimiser over the trainable parameters of `model`.

    Raises:
        ConfigError: an argument that the optimiser does not take.
    """
    args = dict(config.args)
    parameters = [p for p in model.parameters() if not p.stop_gradient]
    common: dict[str, Any] = {
        "learning_rate": 0.0,
        "parameters": parameters,
        "grad_clip": _clip(config),
    }
    if config.name == "AdamW":
        common["apply_decay_param_fun"] = _decayed(model, args)
    elif config.regularizer is not None:
        common["weight_decay"] = _regularizer(config)
    try:
        return getattr(paddle.optimizer, _CLASSES[config.name])(**common, **args)
    except TypeError as error:
        raise ConfigError(
            "Optimizer", f"{config.name} does not take these arguments ({error})", "remove them"
        ) from None


def _decayed(model: Any, args: dict[str, Any]) -> Callable[[str], bool]:
    """Tells which parameters AdamW shrinks: all, less what the configuration takes out.

    PaddleOCR's keys: `no_weight_decay_name`, a blank-separated list of parts of layer names, and
    `one_dim_param_no_weight_decay`.
    """
    excluded = str(args.pop("no_weight_decay_name", "") or "").split()
    flat = bool(args.pop("one_dim_param_no_weight_decay", False))
    spared = {
        parameter.name
        for name, parameter in model.named_parameters()
        if any(part in name for part in excluded) or (flat and len(parameter.shape) == 1)
    }
    return lambda name: name not in spared


def _regularizer(config: OptimizerConfig) -> Any:
    assert config.regularizer is not None
    kinds = {"L1": paddle.regularizer.L1Decay, "L2": paddle.regularizer.L2Decay}
    return kinds[config.regularizer.name](float(config.regularizer.args.get("factor", 0.0)))


def _clip(config: OptimizerConfig) -> Any:
    if config.clip_norm is not None:
        return paddle.nn.ClipGradByNorm(config.clip_norm)
    if config.clip_norm_global is not None:
        return paddle.nn.ClipGradByGlobalNorm(config.clip_norm_global)
    return None


_CLASSES = {
    "Adam": "Adam",
    "AdamW": "AdamW",
    "Momentum": "Momentum",
    "SGD": "SGD",
    "RMSProp": "RMSProp",
    "Adadelta": "Adadelta",
}
