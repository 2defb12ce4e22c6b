"""Learning rates as pure functions of the step, so that a resumed run needs no scheduler state.

Each builder gets the `lr` block of a configuration and the length of an epoch and of the run in
steps, and returns `step -> learning rate`, where step counts optimiser updates from 0 (a time
budget moves through the steps in fractions).

Source: PaddleOCR ppocr/optimizer/learning_rate.py and lr_scheduler.py for names, arguments and
values; paddle.optimizer.lr for the formulas. Where an epoch count appears in a configuration it
is turned into steps, as there.
"""

import bisect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ocr_lib.errors import ConfigError

Schedule = Callable[[float], float]


@dataclass(frozen=True)
class RunLength:
    """How long a run is: steps in one epoch and number of epochs."""

    steps_per_epoch: int
    epochs: int

    @property
    def steps(self) -> int:
        """Optimiser updates in the whole run."""
        return self.steps_per_epoch * self.epochs


def build_schedule(name: str, args: Mapping[str, Any], length: RunLength) -> Schedule:
    """Returns the schedule a configuration names.

    Args:
        name: PaddleOCR's name of the schedule, e.g. "Cosine"; "Const" when none is given.
        args: the other keys of the `lr` block.
        length: the run's length.

    Raises:
        ConfigError: an unknown name, or arguments that do not fit together.
    """
    if name not in SCHEDULES:
        known = ", ".join(sorted(SCHEDULES))
        raise ConfigError("Optimizer.lr.name", f"unknown schedule '{name}'", f"use one of {known}")
    schedule = SCHEDULES[name](args, length)
    warmup = round(float(args.get("warmup_epoch", 0)) * length.steps_per_epoch)
    return _with_warmup(schedule, warmup) if warmup else schedule


def _with_warmup(after: Schedule, steps: int) -> Schedule:
    """Rises linearly from 0 to the schedule's start; the schedule itself begins afterwards.

    Source: paddle.optimizer.lr.LinearWarmup as PaddleOCR calls it (start_lr 0, end_lr the base).
    """
    base = after(0)
    return lambda step: base * step / steps if step < steps else after(step - steps)


def _base(args: Mapping[str, Any]) -> float:
    return float(args.get("learning_rate", 0.001))


def _const(args: Mapping[str, Any], _length: RunLength) -> Schedule:
    base = _base(args)
    return lambda _step: base


def _cosine(args: Mapping[str, Any], length: RunLength) -> Schedule:
    base, total = _base(args), max(1, length.steps)
    return lambda step: base * 0.5 * (1 + math.cos(math.pi * min(step, total) / total))


def _linear(args: Mapping[str, Any], length: RunLength) -> Schedule:
    base, end = _base(args), float(args.get("end_lr", 0.0))
    power, total = float(args.get("power", 1.0)), max(1, length.steps)
    return lambda step: (base - end) * (1 - min(step, total) / total) ** power + end


def _step(args: Mapping[str, Any], length: RunLength) -> Schedule:
    base, gamma = _base(args), float(args.get("gamma", 0.1))
    every = max(1, int(args.get("step_size", 1)) * length.steps_per_epoch)
    return lambda step: base * gamma ** (step // every)


def _piecewise(args: Mapping[str, Any], length: RunLength) -> Schedule:
    bounds = [int(epoch * length.steps_per_epoch) for epoch in args["decay_epochs"]]
    values = [float(value) for value in args["values"]]
    if len(values) != len(bounds) + 1:
        raise ConfigError(
            "Optimizer.lr.values",
            f"{len(values)} values for {len(bounds)} decay_epochs",
            "give one value more than there are decay_epochs",
        )
    return lambda step: values[bisect.bisect_right(bounds, step)]


def _multi_step(args: Mapping[str, Any], length: RunLength) -> Schedule:
    base, gamma = _base(args), float(args.get("gamma", 0.1))
    bounds = [int(epoch * length.steps_per_epoch) for epoch in args["milestones"]]
    return lambda step: base * gamma ** bisect.bisect_right(bounds, step)


def _exponential(args: Mapping[str, Any], length: RunLength) -> Schedule:
    """PaddleOCR's DecayLearningRate: polynomial decay of power 0.9 over the run."""
    base, end = _base(args), float(args.get("end_lr", 0.0))
    power = float(args.get("factor", 0.9))
    total = max(1, length.steps)
    return lambda step: (base - end) * (1 - min(step, total) / total) ** power + end


def _cyclical_cosine(args: Mapping[str, Any], length: RunLength) -> Schedule:
    base = _base(args)
    cycle = max(1, round(float(args["cycle"]) * length.steps_per_epoch))
    return lambda step: base * 0.5 * (1 + math.cos(math.pi * (step % cycle) / cycle))


def _two_step_cosine(args: Mapping[str, Any], length: RunLength) -> Schedule:
    """Cosine of a half-period of `T_max1` steps, from then on one of `T_max2` steps.

    Defaults are PaddleOCR's: 200 epochs and the whole run. Its TwoStepCosine drops the two keys
    that its TwoStepCosineDecay takes; here they are used. Its recursive form stays at 0 once the
    first part ends, since it multiplies the last value; this is its closed form.
    """
    base = _base(args)
    first = int(args.get("T_max1") or 200 * length.steps_per_epoch)
    second = int(args.get("T_max2") or max(1, length.steps))

    def schedule(step: float) -> float:
        period = first if step <= first else second
        return base * 0.5 * (1 + math.cos(math.pi * min(step, period) / period))

    return schedule


def _one_cycle(args: Mapping[str, Any], length: RunLength) -> Schedule:
    """Up to `max_lr` over `pct_start` of the run, down to almost nothing over the rest.

    With `three_phase` it goes down to where it started as fast as it went up, and to almost
    nothing after that.

    Source: L. N. Smith and N. Topin, Super-Convergence (2018); PaddleOCR OneCycle.
    """
    ease = _line if args.get("anneal_strategy") == "linear" else _ease
    peak = float(args.get("max_lr", args.get("learning_rate", 0.001)))
    start, end = peak / float(args.get("div_factor", 25)), peak / 25 / 1e4
    total = max(2, length.steps)
    top = max(1.0, float(args.get("pct_start", 0.3)) * total - 1)
    phases = [(0.0, top, start, peak)]
    if args.get("three_phase"):
        phases += [(top, 2 * top, peak, start), (2 * top, total - 1.0, start, end)]
    else:
        phases += [(top, total - 1.0, peak, end)]

    def schedule(step: float) -> float:
        begin, until, high, low = next((p for p in phases if step <= p[1]), phases[-1])
        return ease(high, low, min(1.0, (step - begin) / max(1.0, until - begin)))

    return schedule


def _line(start: float, end: float, share: float) -> float:
    return start + (end - start) * share


def _ease(start: float, end: float, share: float) -> float:
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * share))


SCHEDULES: dict[str, Callable[[Mapping[str, Any], RunLength], Schedule]] = {
    "Const": _const,
    "Cosine": _cosine,
    "Linear": _linear,
    "Step": _step,
    "Piecewise": _piecewise,
    "MultiStepDecay": _multi_step,
    "DecayLearningRate": _exponential,
    "CyclicalCosine": _cyclical_cosine,
    "TwoStepCosine": _two_step_cosine,
    "OneCycle": _one_cycle,
}
