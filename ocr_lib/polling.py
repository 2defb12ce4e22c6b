"""The one place that waits: until something holds, or until a call that failed succeeds.

Every wait has a deadline and says what it waits for. The clock is an argument, so that a test
needs no time.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from ocr_lib.errors import ServiceError

T = TypeVar("T")


class DeadlineError(ServiceError):
    """What was waited for did not come in time."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Where time comes from.

    Attributes:
        now: seconds since some moment; never goes back.
        sleep: waits for some seconds.
    """

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


CLOCK = Clock()


@dataclass(frozen=True, slots=True)
class Pauses:
    """How long to wait between two attempts, in seconds.

    Attributes:
        first_s: after the first attempt.
        factor: what each pause is multiplied by for the next one.
        longest_s: the longest pause.
        spread: the share of a pause that is random, so that contenders do not move in step.
    """

    first_s: float
    factor: float = 1.0
    longest_s: float = 60.0
    spread: float = 0.0

    def after(self, attempt: int) -> float:
        """Returns the pause after an attempt, counted from 1."""
        pause = min(self.first_s * self.factor ** min(attempt - 1, 64), self.longest_s)
        return pause * (1 - self.spread * random.random())  # noqa: S311 - no secret


def poll_until(
    probe: Callable[[], T | None],
    awaited: str,
    deadline_s: float,
    pauses: Pauses,
    *,
    next_step: str | Callable[[], str] = "",
    error: type[ServiceError] = DeadlineError,
    clock: Clock = CLOCK,
) -> T:
    """Calls `probe` until it returns something true, and returns that.

    Args:
        probe: looks once; what it raises ends the wait.
        awaited: what is waited for, for the message: "waited 30 s for <awaited>".
        deadline_s: the longest wait; 0 looks once.
        pauses: between two looks.
        next_step: a sentence on what to do if it does not come, or what returns it then.
        error: the class of the failure.
        clock: where time comes from.

    Raises:
        ServiceError: of class `error`: it did not come within `deadline_s`.
    """
    ends, attempt = clock.now() + deadline_s, 0
    while not (result := probe()):
        attempt += 1
        left_s = ends - clock.now()
        if left_s <= 0:
            advice = next_step if isinstance(next_step, str) else next_step()
            raise error(f"waited {deadline_s:g} s for {awaited}. {advice}".rstrip())
        clock.sleep(min(pauses.after(attempt), left_s))
    return result


def retry(
    action: Callable[[], T],
    worth: Callable[[Exception], bool],
    deadline_s: float,
    pauses: Pauses,
    *,
    say: Callable[[Exception], None] | None = None,
    clock: Clock = CLOCK,
) -> T:
    """Calls `action` until it succeeds, and returns what it returns.

    Args:
        action: the call.
        worth: tells whether to call again after this exception; the others are raised at once.
        deadline_s: no attempt starts later than this; then the last exception is raised.
        pauses: between two attempts.
        say: told of each exception after which it is tried again.
        clock: where time comes from.
    """
    ends, attempt = clock.now() + deadline_s, 0
    while True:
        attempt += 1
        pause = pauses.after(attempt)
        try:
            return action()
        except Exception as failure:
            if not worth(failure) or clock.now() + pause > ends:
                raise
            if say:
                say(failure)
        clock.sleep(pause)
