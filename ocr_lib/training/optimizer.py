"""The optimiser that a configuration names, over a network's parameters.

The learning rate is set by the trainer at every step (`ocr_lib.optim.schedules`), so no scheduler
object is involved.
"""

from collections.abc import Callable

import paddle
from paddle import nn

from ocr_lib.config.component import parse_component
from ocr_lib.config.location import SourceLocation
from ocr_lib.config.parse import ComponentConfig
from ocr_lib.config.schema import OptimizerConfig
from ocr_lib.optim.optimizers import L1, OPTIMIZERS, REGULARIZERS, AdamW, Optimizer


def build_optimizer(config: OptimizerConfig, network: nn.Layer) -> paddle.optimizer.Optimizer:
    """Returns a paddle optimiser over the trainable parameters of a network.

    Raises:
        ConfigError: an argument that the optimiser does not take.
    """
    location = SourceLocation(("Optimizer",), {})
    optimizer: Optimizer = parse_component(
        OPTIMIZERS, ComponentConfig(config.name, config.args), location
    )
    arguments = optimizer.arguments()
    if isinstance(optimizer, AdamW):
        arguments["apply_decay_param_fun"] = _shrinks(network, optimizer)
    decay = _decay(config, optimizer)
    if decay is not None:
        arguments["weight_decay"] = decay
    return getattr(paddle.optimizer, config.name)(
        learning_rate=0.0,
        parameters=[p for p in network.parameters() if not p.stop_gradient],
        grad_clip=_clip(config),
        **arguments,
    )


def _shrinks(network: nn.Layer, optimizer: AdamW) -> Callable[[str], bool]:
    """Tells which parameters AdamW shrinks: all, less what the configuration takes out."""
    excluded = optimizer.no_weight_decay_name.split()
    flat = optimizer.one_dim_param_no_weight_decay
    spared = {
        parameter.name
        for name, parameter in network.named_parameters()
        if any(part in name for part in excluded) or (flat and len(parameter.shape) == 1)
    }
    return lambda name: name not in spared


def _decay(
    config: OptimizerConfig, optimizer: Optimizer
) -> float | paddle.regularizer.L1Decay | None:
    """Returns the weight decay: the regulariser's, else the optimiser's own; None for neither.

    As in PaddleOCR, L2 is a plain factor, which AdamW takes for its decoupled decay.
    """
    if config.regularizer is None:
        return optimizer.weight_decay
    regularizer = parse_component(
        REGULARIZERS, config.regularizer, SourceLocation(("Optimizer", "regularizer"), {})
    )
    if isinstance(regularizer, L1):
        return paddle.regularizer.L1Decay(regularizer.factor)
    return regularizer.factor


def _clip(config: OptimizerConfig) -> nn.clip.ClipGradBase | None:
    if config.clip_norm is not None:
        return nn.ClipGradByNorm(config.clip_norm)
    if config.clip_norm_global is not None:
        return nn.ClipGradByGlobalNorm(config.clip_norm_global)
    return None
