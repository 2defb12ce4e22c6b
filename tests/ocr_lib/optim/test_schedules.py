"""Schedules against paddle's own scheduler objects, and the shapes that have no such object."""

import math

import paddle
import pytest

from ocr_lib.config.parse import ComponentConfig
from ocr_lib.errors import ConfigError
from ocr_lib.optim.schedules import SCHEDULES, RunLength, build_schedule

LENGTH = RunLength(steps_per_epoch=10, epochs=6)
LR = paddle.optimizer.lr


def schedule_of(name, args):
    return build_schedule(ComponentConfig(name, args), LENGTH)


ORACLES = {
    "Cosine": ({}, lambda: LR.CosineAnnealingDecay(0.1, T_max=60)),
    "Step": ({"step_size": 2, "gamma": 0.5}, lambda: LR.StepDecay(0.1, step_size=20, gamma=0.5)),
    "Piecewise": (
        {"decay_epochs": [2, 4], "values": [0.1, 0.05, 0.01]},
        lambda: LR.PiecewiseDecay([20, 40], [0.1, 0.05, 0.01]),
    ),
    "MultiStepDecay": (
        {"milestones": [1, 3], "gamma": 0.1},
        lambda: LR.MultiStepDecay(0.1, [10, 30], gamma=0.1),
    ),
    "Linear": (
        {"end_lr": 0.01, "power": 2.0},
        lambda: LR.PolynomialDecay(0.1, decay_steps=60, end_lr=0.01, power=2.0),
    ),
    "DecayLearningRate": (
        {"factor": 0.9, "end_lr": 0.0},
        lambda: LR.PolynomialDecay(0.1, decay_steps=60, end_lr=0.0, power=0.9),
    ),
    "OneCycle": (
        {"max_lr": 0.1},
        lambda: LR.OneCycleLR(0.1, total_steps=60, end_learning_rate=0.1 / 25 / 1e4),
    ),
}


def test_one_cycle_of_three_phases_equals_paddles():
    schedule = schedule_of("OneCycle", {"max_lr": 0.1, "three_phase": True})
    end = 0.1 / 25 / 1e4
    oracle = LR.OneCycleLR(0.1, total_steps=60, end_learning_rate=end, three_phase=True)
    ours = [schedule(step) for step in range(60)]
    assert ours == pytest.approx(values(oracle, 60), rel=1e-6, abs=1e-9)


def values(scheduler, steps):
    result = []
    for _ in range(steps):
        result.append(scheduler())
        scheduler.step()
    return result


@pytest.mark.parametrize("name", ORACLES)
def test_equals_paddles_scheduler(name):
    args, oracle = ORACLES[name]
    schedule = schedule_of(name, {"learning_rate": 0.1, **args})
    ours = [schedule(step) for step in range(LENGTH.steps)]
    assert ours == pytest.approx(values(oracle(), LENGTH.steps), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", sorted(ORACLES))
def test_warmup_equals_paddles_linear_warmup(name):
    args, oracle = ORACLES[name]
    schedule = schedule_of(name, {"learning_rate": 0.1, "warmup_epoch": 2, **args})
    base = oracle()
    warm = LR.LinearWarmup(base, warmup_steps=20, start_lr=0.0, end_lr=base())
    ours = [schedule(step) for step in range(LENGTH.steps)]
    assert ours == pytest.approx(values(warm, LENGTH.steps), rel=1e-6, abs=1e-9)


def test_cyclical_cosine_starts_again():
    schedule = schedule_of("CyclicalCosine", {"learning_rate": 1.0, "cycle": 2})
    assert schedule(0) == schedule(20) == schedule(40) == 1.0
    assert schedule(10) == pytest.approx(0.5)


def test_cycles_of_parts_of_an_epoch_are_rounded_to_steps():
    schedule = schedule_of("CyclicalCosine", {"learning_rate": 1.0, "cycle": 0.4})
    assert schedule(2) == pytest.approx(0.5)
    assert schedule(4) == schedule(8) == 1.0


def two_step_cosine(step, first, second):
    """PaddleOCR's TwoStepCosineDecay in its closed form, for a base of 0.1."""
    return 0.1 * (1 + math.cos(math.pi * step / (first if step <= first else second))) / 2


@pytest.mark.parametrize(
    ("args", "periods"),
    [
        ({}, (2000, 60)),
        ({"T_max1": 20}, (20, 60)),
        ({"T_max1": 20, "T_max2": 40}, (20, 40)),
        ({"T_max2": 90}, (2000, 90)),
    ],
)
def test_two_step_cosine_takes_both_periods_in_steps(args, periods):
    schedule = schedule_of("TwoStepCosine", {"learning_rate": 0.1, **args})
    steps = range(41) if periods[1] == 40 else range(60)
    assert [schedule(s) for s in steps] == pytest.approx(
        [two_step_cosine(s, *periods) for s in steps]
    )


def test_every_schedule_is_finite_and_never_negative_to_the_last_step():
    needed = {
        "Piecewise": {"decay_epochs": [3], "values": [0.1, 0.01]},
        "MultiStepDecay": {"milestones": [3]},
        "CyclicalCosine": {"cycle": 2},
        "Step": {"step_size": 2},
    }
    for name in SCHEDULES:
        schedule = schedule_of(name, {"learning_rate": 0.1, **needed.get(name, {})})
        assert all(0 <= schedule(step) <= 0.1 + 1e-12 for step in range(LENGTH.steps)), name


def test_one_cycle_goes_in_lines_where_asked():
    schedule = schedule_of("OneCycle", {"max_lr": 0.1, "anneal_strategy": "linear"})
    oracle = LR.OneCycleLR(
        0.1, total_steps=60, end_learning_rate=0.1 / 25 / 1e4, anneal_strategy="linear"
    )
    ours = [schedule(step) for step in range(60)]
    assert ours == pytest.approx(values(oracle, 60), rel=1e-6, abs=1e-9)


def test_piecewise_counts_its_values():
    with pytest.raises(ConfigError, match="2 values for 2 decay_epochs"):
        schedule_of("Piecewise", {"decay_epochs": [1, 2], "values": [1, 2]})


def test_an_unknown_schedule_is_named():
    with pytest.raises(ConfigError, match=r"lr\.name: is 'Cosin', which is not .* is Cosine\."):
        schedule_of("Cosin", {})
