"""Optimisers as configurations name them: their arguments, and what of them Paddle gets."""

import inspect
from typing import Any

import paddle
import pytest

from ocr_lib.config.component import parse_component
from ocr_lib.config.location import SourceLocation
from ocr_lib.config.parse import ComponentConfig
from ocr_lib.errors import ConfigError
from ocr_lib.optim.optimizers import OPTIMIZERS, REGULARIZERS, AdamW, Optimizer

LOCATION = SourceLocation(("Optimizer",), {})


def parsed(name: str, **arguments: Any) -> Optimizer:
    optimizer: Optimizer = parse_component(OPTIMIZERS, ComponentConfig(name, arguments), LOCATION)
    return optimizer


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_paddles_optimiser_of_that_name_takes_the_arguments(name: str) -> None:
    accepted = inspect.signature(getattr(paddle.optimizer, name)).parameters
    assert set(parsed(name).arguments()) <= set(accepted)


def test_what_is_decided_elsewhere_is_no_argument() -> None:
    optimizer = parsed(
        "AdamW", weight_decay=0.1, no_weight_decay_name="bias", one_dim_param_no_weight_decay=True
    )
    assert isinstance(optimizer, AdamW)
    assert optimizer.arguments() == {
        "beta1": 0.9,
        "beta2": 0.999,
        "epsilon": 1e-8,
        "lazy_mode": False,
        "multi_precision": False,
    }


@pytest.mark.parametrize(
    ("name", "arguments", "where"),
    [
        ("Adam", {"beta3": 0.5}, "Optimizer.beta3"),
        ("Momentum", {"momentum": "x"}, "Optimizer.momentum"),
        ("Adan", {}, "Optimizer.name"),
    ],
)
def test_what_is_not_known_is_named(name: str, arguments: dict[str, Any], where: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parsed(name, **arguments)
    assert refused.value.where.endswith(where)


@pytest.mark.parametrize("name", REGULARIZERS)
def test_a_regulariser_has_a_factor(name: str) -> None:
    config = ComponentConfig(name, {"factor": 0.5})
    assert parse_component(REGULARIZERS, config, LOCATION).factor == 0.5
