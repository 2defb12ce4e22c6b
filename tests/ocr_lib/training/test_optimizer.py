"""Optimisers as PaddleOCR builds them from the same block."""

import paddle
import pytest

from ocr_lib.config.blocks import OptimizerConfig
from ocr_lib.config.parse import ComponentConfig
from ocr_lib.optim.optimizers import OPTIMIZERS
from ocr_lib.training.optimizer import build_optimizer


@pytest.fixture
def model():
    paddle.seed(0)
    return paddle.nn.Sequential(paddle.nn.Linear(3, 2), paddle.nn.BatchNorm1D(2))


def updated(config: OptimizerConfig, model) -> tuple[list, list]:
    """Returns how one update with a gradient of ones and a rate of 0.1 changes each parameter."""
    optimizer = build_optimizer(config, model)
    optimizer.set_lr(0.1)
    sum(parameter.sum() for parameter in model.parameters()).backward()
    before = [parameter.numpy().copy() for parameter in model.parameters()]
    optimizer.step()
    return [(p.numpy() - b) for p, b in zip(model.parameters(), before, strict=True)], before


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_has_the_class_that_it_is_called(name, model):
    assert type(build_optimizer(OptimizerConfig(name=name), model)).__name__ == name


def test_l2_is_added_to_the_gradient(model):
    config = OptimizerConfig(name="SGD", regularizer=ComponentConfig("L2", {"factor": 0.5}))
    changes, before = updated(config, model)
    assert changes[0] == pytest.approx(-0.1 * (1 + 0.5 * before[0]), abs=1e-6)


def test_l1_pulls_by_the_sign(model):
    config = OptimizerConfig(name="SGD", regularizer=ComponentConfig("L1", {"factor": 0.5}))
    changes, before = updated(config, model)
    signs = (before[0] > 0) * 2.0 - 1
    assert changes[0] == pytest.approx(-0.1 * (1 + 0.5 * signs), abs=1e-6)


def test_l2_is_adamws_decay_as_in_paddleocr(model):
    """It was ignored: AdamW decayed by its default of 0.01."""
    config = OptimizerConfig(name="AdamW", regularizer=ComponentConfig("L2", {"factor": 0.5}))
    changes, before = updated(config, model)
    assert changes[0] == pytest.approx(-0.1 * (1 + 0.5 * before[0]), abs=1e-4)


def test_adamw_spares_what_it_is_told_to(model):
    spared = {"weight_decay": 0.5, "one_dim_param_no_weight_decay": True}
    changes, before = updated(OptimizerConfig(name="AdamW", args=spared), model)
    assert changes[0] == pytest.approx(-0.1 * (1 + 0.5 * before[0]), abs=1e-4)
    assert changes[1] == pytest.approx(-0.1, abs=1e-4)  # the bias
    named = {"weight_decay": 0.5, "no_weight_decay_name": "0.weight other"}
    changes, _ = updated(OptimizerConfig(name="AdamW", args=named), model)
    assert changes[0] == pytest.approx(-0.1, abs=1e-3)
