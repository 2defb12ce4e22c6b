"""Each accepted key has an effect: two of its values make components that behave differently.

The keys are read from the dataclasses, so that a new one is covered here without another line.
"""

import types
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, replace
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
import paddle
import pytest

from ocr_lib.config.blocks import OptimizerConfig
from ocr_lib.config.parse import ComponentConfig, keys_of
from ocr_lib.data.loading.multi_scale import SAMPLERS
from ocr_lib.data.resize_ops import RESIZE_OPS
from ocr_lib.data.transforms import AUGMENTATIONS
from ocr_lib.errors import ConfigError
from ocr_lib.evaluation.metrics import METRICS, RecMetric
from ocr_lib.optim.optimizers import OPTIMIZERS, REGULARIZERS
from ocr_lib.optim.schedules import SCHEDULES, RunLength
from ocr_lib.training.optimizer import build_optimizer

LENGTH = RunLength(steps_per_epoch=10, epochs=40)
# What a component needs beside its defaults, and values that only fit together.
BASES: dict[str, dict[str, Any]] = {
    "Step": {"step_size": 2},
    "Piecewise": {"decay_epochs": (2.0,), "values": (0.1, 0.01)},
    "MultiStepDecay": {"milestones": (2.0,)},
    "CyclicalCosine": {"cycle": 2.0},
    "TwoStepCosine": {"T_max1": 100},
    "RecResizeImg": {"image_shape": (3, 32, 100)},
    "SVTRRecResizeImg": {"image_shape": (3, 32, 100)},
    "GrayRecResizeImg": {"image_shape": (100, 32), "resize_type": "OpenCV"},
    "NRTRRecResizeImg": {"image_shape": (100, 32), "resize_type": "OpenCV"},
    "SARRecResizeImg": {"image_shape": (3, 48, 48, 160)},
    "MultiScaleSampler": {"scales": ((320, 32), (330, 70))},
}

# What a key needs to count.
WITH = {"inter_type": {"resize_type": "PIL"}}


def others(kind: Any, value: Any) -> Iterator[Any]:
    """Yields other values of a kind, which the component may refuse."""
    origin = get_origin(kind)
    if origin in (types.UnionType, Union):
        for inner in get_args(kind):
            if inner is not type(None):
                yield from others(inner, value)
    elif origin is Literal:
        yield from (choice for choice in get_args(kind) if choice != value)
    elif origin is tuple:
        yield from (_scaled(value or (1,), factor) for factor in (2, 3))
        if get_args(kind)[-1] is Ellipsis and value:
            yield value[:-1]
    else:
        yield from _other_scalars(kind, value)


def _other_scalars(kind: Any, value: Any) -> Iterator[Any]:
    if kind is bool:
        yield not value
    elif kind is int:
        yield from ((value or 0) + 1, (value or 1) * 7, 50)
    elif kind is float:
        yield from ((value or 0.0) / 2, (value or 0.0) + 0.3, 3.0)


def _scaled(item: Any, factor: int) -> Any:
    return tuple(_scaled(i, factor) for i in item) if isinstance(item, tuple) else item * factor


def schedule(config: Any) -> Any:
    rate = config.rate(LENGTH)
    return [rate(step) for step in range(0, LENGTH.steps, 3)]


def optimizer(config: Any) -> Any:
    args = {f.name: getattr(config, f.name) for f in fields(config)}
    return _built(OptimizerConfig(name=type(config).__name__, args=args))


def regularizer(config: Any) -> Any:
    part = ComponentConfig(type(config).__name__, {"factor": config.factor})
    return _built(OptimizerConfig(name="Momentum", regularizer=part))


def _built(config: OptimizerConfig) -> Any:
    """Returns the plain attributes of Paddle's optimiser, and which parameters it lets shrink."""
    model = paddle.nn.Linear(2, 2)
    built = build_optimizer(config, model)
    plain = {k: v for k, v in vars(built).items() if isinstance(v, bool | int | float | str)}
    decay = getattr(built.regularization, "_coeff", None)
    shrinks = getattr(built, "_apply_decay_param_fun", None)
    spared = [bool(shrinks(p.name)) for p in model.parameters()] if shrinks else []
    return plain | {"decay": decay, "shrinks": spared, "_name": None}


def augmentation(config: Any) -> Any:
    image = np.random.default_rng(0).integers(0, 256, (32, 96, 3)).astype(np.uint8)
    return [config(image, np.random.default_rng(seed)).tobytes() for seed in range(60)]


def resize(config: Any) -> Any:
    return config.preprocess(None)


def sampler(config: Any) -> Any:
    sizes = np.array([[400, 32], [90, 30], [800, 20]], np.int32)
    return [
        (each.batch_sizes, each.image_sizes(), each.least_widths(sizes).tolist())
        for each in (config, replace(config, ds_width=True))
    ]


def metric(config: Any) -> Any:
    values = RecMetric(config.ignore_space, config.is_filter)
    values.update(["a b", "ab-", "aB"], ["ab", "ab", "ab"])
    return values.summary(), config.main_indicator, getattr(config, "key", None)


KINDS: list[tuple[Any, Callable[[Any], Any]]] = [
    (SCHEDULES, schedule),
    (OPTIMIZERS, optimizer),
    (REGULARIZERS, regularizer),
    (AUGMENTATIONS, augmentation),
    (RESIZE_OPS, resize),
    (SAMPLERS, sampler),
    (METRICS, metric),
]
KEYS = [
    pytest.param(name, cls, item, effect, id=f"{name}.{item.name}")
    for table, effect in KINDS
    for name, cls in table.items()
    for item in keys_of(cls)
]


def alternatives(cls: Any, item: Any, value: Any) -> list[Any]:
    examples = item.metadata.get("examples")
    if examples is not None:
        return list(examples)
    kind = get_type_hints(cls)[item.name]
    return ["x"] if kind is str else list(others(kind, value))


@pytest.mark.parametrize(("name", "cls", "item", "effect"), KEYS)
def test_another_value_makes_another_component(name, cls, item, effect) -> None:
    base = cls(**{**BASES.get(name, {}), **WITH.get(item.name, {})})
    before = effect(base)
    refused = []
    for value in alternatives(cls, item, getattr(base, item.name)):
        try:
            after = effect(replace(base, **{item.name: value}))
        except ConfigError:
            refused.append(value)
            continue
        if after != before:
            return
    values = alternatives(cls, item, getattr(base, item.name))
    assert refused == values, f"{name}.{item.name} is accepted and changes nothing"


def test_every_key_without_a_default_has_a_value_here() -> None:
    for table, _ in KINDS:
        for name, cls in table.items():
            for item in keys_of(cls):
                if item.default is item.default_factory is MISSING:
                    assert item.name in BASES.get(name, {}), f"{name}.{item.name}"
