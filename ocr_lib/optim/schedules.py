"""Learning rates as pure functions of the step, so that a resumed run needs no scheduler state.

A schedule is the frozen dataclass of its arguments; given the length of the run it returns
`step -> learning rate`, where step counts optimiser updates from 0 (a time budget moves through
the steps in fractions).

Source: PaddleOCR ppocr/optimizer/learning_rate.py and lr_scheduler.py for names, arguments and
values; paddle.optimizer.lr for the formulas. Where an epoch count appears in a configuration it
is turned into steps, as there.
"""

import bisect
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

from ocr_lib.config.checks import above, at_least, below, probability
from ocr_lib.config.component import Table, parse_component
from ocr_lib.config.location import FieldError, SourceLocation
from ocr_lib.config.parse import ComponentConfig

Rate = Callable[[float], float]


@dataclass(frozen=True)
class RunLength:
    """How long a run is: steps in one epoch and number of epochs."""

    steps_per_epoch: int
    epochs: int

    @property
    def steps(self) -> int:
        """Optimiser updates in the whole run."""
        return self.steps_per_epoch * self.epochs

    def steps_in(self, epochs: float) -> int:
        """Returns the nearest number of updates in that many epochs, at least 1."""
        return max(1, round(epochs * self.steps_per_epoch))


@dataclass(frozen=True, kw_only=True)
class Schedule(ABC):
    """What all schedules share.

    Attributes:
        warmup_epoch: epochs of linear rise from 0 to the start; the schedule begins after them.

    Source: paddle.optimizer.lr.LinearWarmup as PaddleOCR calls it (start_lr 0, end_lr the base).
    """

    warmup_epoch: float = 0.0

    def __post_init__(self) -> None:
        at_least(self, 0, "warmup_epoch")

    def rate(self, length: RunLength) -> Rate:
        """Returns step → learning rate over a run of this length."""
        after = self.curve(length)
        steps = round(self.warmup_epoch * length.steps_per_epoch)
        if not steps:
            return after
        start = after(0)
        return lambda step: start * step / steps if step < steps else after(step - steps)

    @abstractmethod
    def curve(self, length: RunLength) -> Rate:
        """Returns step after the warm-up → learning rate."""


@dataclass(frozen=True, kw_only=True)
class FromBase(Schedule):
    """A schedule that starts at a given rate.

    Attributes:
        learning_rate: the rate at the start.
    """

    learning_rate: float = 0.001

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, 0, "learning_rate")


class Const(FromBase):
    """The same rate throughout."""

    def curve(self, length: RunLength) -> Rate:
        """Returns step after the warm-up → learning rate."""
        del length
        return lambda _step: self.learning_rate


class Cosine(FromBase):
    """Half a period of a cosine over the run."""

    def curve(self, length: RunLength) -> Rate:
        """Returns step after the warm-up → learning rate."""
        total = max(1, length.steps)
        return lambda step: _half_cosine(self.learning_rate, min(step, total) / total)


@dataclass(frozen=True, kw_only=True)
class Linear(FromBase):
    """A polynomial from the start to `end_lr` over the run.

    Attributes:
        end_lr: the rate at the end.
        power: of the polynomial.
    """

    end_lr: float = 0.0
    power: float = 1.0

    def curve(self, length: RunLength) -> Rate:
        """Returns step after the warm-up → learning rate."""
        return _polynomial(self.learning_rate, self.end_lr, self.power, length)


@dataclass(frozen=True, kw_only=True)
class DecayLearningRate(FromBase):
    """`Linear` with PaddleOCR's other name for the power.

    Attributes:
        factor: power of the polynomial.
        end_lr: the rate at the end (PaddleOCR: always 0).
    """

    factor: float = 0.9
    end_lr: float = 0.0

    def curve(self, length: RunLength) -> Rate:
        """Returns step after the warm-up → learning rate."""
        return _polynomial(self.learning_rate, self.end_lr, self.factor, length)


@dataclass(frozen=True, kw_only=True)
class Step(FromBase):
    """The rate is multiplied by `gamma` every `step_size` epochs.

    Attributes:
        step_size: epochs.
        gamma: factor.
    """

    step_size: int
    gamma: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, 1, "step_size")

    def curve(self, length: RunLength) -> Rate:
        """Returns step after the warm-up → learning rate."""
        every = length.steps_in(self.step_size)
        return lambda step: self.learning_rate * self.gamma ** (step // every)


@dataclass(frozen=True, kw_only=True)
class MultiStepDecay(FromBase):
    """The rate is multiplied by `gamma` at each milestone.

    Attributes:
        milestones: epochs, ascending.
        gamma: factor.
    """

    milestones: tuple[float, ...]
    gamma: float = 0.1

    def curve(self, length: RunLength) -> Rate:
        """Returns step after the warm-up → learning rate."""
        bounds = [int(epoch * length.steps_per_epoch) for epoch in self.milestones]
        return lambda step: self.learning_rate * self.gamma ** bisect.bisect_right(bounds, step)


@dataclass(frozen=True, kw_only=True)
class Piecewise(Schedule):
    """The given rates, one after another; a `learning_rate` is ignored, as in PaddleOCR.

    Attributes:
        decay_epochs: epochs at which the next rate begins, ascending.
        values: the rates, one more than epochs.
    """

    IGNORED: ClassVar = ("learning_rate",)

    decay_epochs: tuple[float, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.values) != len(self.decay_epochs) + 1:
            cause = f"has {len(self.values)} values for {len(self.decay_epochs)} decay_epochs"
            fix = "Give one value more than there are decay_epochs"
            raise FieldError(self, "values", cause, fix)

    def curve(self, length: RunLength) -> Rate:
        """Returns step after the warm-up → learning rate."""
        bounds = [int(epoch * length.steps_per_epoch) for epoch in self.decay_epochs]
        return lambda step: self.values[bisect.bisect_right(bounds, step)]


@dataclass(frozen=True, kw_only=True)
class CyclicalCosine(FromBase):
    """Half a period of a cosine, again and again.

    Attributes:
        cycle: epochs of each.
    """

    cycle: float

    def __post_init__(self) -> None:
        super().__post_init__()
        above(self, 0, "cycle")

    def curve(self, length: RunLength) -> Rate:
        """Returns step after the warm-up → learning rate."""
        cycle = length.steps_in(self.cycle)
        return lambda step: _half_cosine(self.learning_rate, (step % cycle) / cycle)


@dataclass(frozen=True, kw_only=True)
class TwoStepCosine(FromBase):
    """Half a period of a cosine of `T_max1` steps; past them one of `T_max2` steps.

    PaddleOCR's TwoStepCosine drops the two keys that its TwoStepCosineDecay takes; here they are
    used. Its recursive form stays at 0 once the first part ends, since it multiplies the last
    value; this is its closed form.

    Attributes:
        T_max1: steps; unset means 200 epochs.
        T_max2: steps; unset means the whole run.
    """

    T_max1: int | None = None
    T_max2: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, 1, "T_max1", "T_max2")

    def curve(self, length: RunLength) -> Rate:
        """Returns step after the warm-up → learning rate."""
        first = self.T_max1 or length.steps_in(200)
        second = self.T_max2 or max(1, length.steps)

        def rate(step: float) -> float:
            period = first if step <= first else second
            return _half_cosine(self.learning_rate, min(step, period) / period)

        return rate


@dataclass(frozen=True, kw_only=True)
class OneCycle(FromBase):
    """Up to `max_lr` over `pct_start` of the run, down to almost nothing over the rest.

    Attributes:
        max_lr: the highest rate; unset means `learning_rate`.
        pct_start: the share of the run that goes up.
        div_factor: `max_lr` divided by the rate at the start.
        anneal_strategy: the form of the slopes.
        three_phase: go down to the rate at the start as fast as up, and to almost nothing after it.

    Source: L. N. Smith and N. Topin, Super-Convergence (2018); PaddleOCR OneCycle.
    """

    max_lr: float | None = None
    pct_start: float = 0.3
    div_factor: float = 25.0
    anneal_strategy: Literal["cos", "linear"] = "cos"
    three_phase: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, 0, "max_lr")
        above(self, 0, "div_factor")
        probability(self, "pct_start")
        if self.three_phase:
            below(self, 0.5, "pct_start")

    def curve(self, length: RunLength) -> Rate:
        """Returns step after the warm-up → learning rate."""
        peak = self.learning_rate if self.max_lr is None else self.max_lr
        start, end = peak / self.div_factor, peak / 25 / 1e4
        total = max(2, length.steps)
        top = max(1.0, self.pct_start * total - 1)
        phases = [(0.0, top, start, peak)]  # first and last step, rate at each
        if self.three_phase:
            phases += [(top, 2 * top, peak, start), (2 * top, total - 1.0, start, end)]
        else:
            phases += [(top, total - 1.0, peak, end)]
        ease = _line if self.anneal_strategy == "linear" else _ease

        def rate(step: float) -> float:
            first, last, begin, until = next((p for p in phases if step <= p[1]), phases[-1])
            return ease(begin, until, min(1.0, (step - first) / max(1.0, last - first)))

        return rate


def _half_cosine(base: float, share: float) -> float:
    return base * 0.5 * (1 + math.cos(math.pi * share))


def _polynomial(base: float, end: float, power: float, length: RunLength) -> Rate:
    total = max(1, length.steps)
    return lambda step: (base - end) * (1 - min(step, total) / total) ** power + end


def _line(start: float, end: float, share: float) -> float:
    return start + (end - start) * share


def _ease(start: float, end: float, share: float) -> float:
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * share))


SCHEDULES: Table = {
    schedule.__name__: schedule
    for schedule in (
        Const,
        Linear,
        Cosine,
        Step,
        Piecewise,
        CyclicalCosine,
        OneCycle,
        DecayLearningRate,
        MultiStepDecay,
        TwoStepCosine,
    )
}


def build_schedule(config: ComponentConfig, length: RunLength) -> Rate:
    """Returns step → learning rate, as `Optimizer.lr` describes it.

    Raises:
        ConfigError: an unknown name, or arguments that do not fit together.
    """
    schedule: Schedule = parse_component(SCHEDULES, config, SourceLocation(("Optimizer", "lr"), {}))
    return schedule.rate(length)
