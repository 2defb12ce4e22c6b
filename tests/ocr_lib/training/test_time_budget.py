"""The schedule is walked to its end, by number of epochs or by the clock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.optim.schedules import RunLength
from ocr_lib.training.time_budget import budget_of_epoch

LENGTH = RunLength(steps_per_epoch=10, epochs=4)


def test_a_number_of_epochs_moves_one_step_an_update():
    paces = [budget_of_epoch(LENGTH, epoch, begin=0.0) for epoch in (1, 2, 3, 4)]
    assert [(p.begin, p.stride, p.epochs_left) for p in paces] == [
        (0, 1.0, 4),
        (10, 1.0, 3),
        (20, 1.0, 2),
        (30, 1.0, 1),
    ]
    assert budget_of_epoch(LENGTH, 5, begin=40.0) is None


@given(st.lists(st.floats(1, 50), min_size=1, max_size=60), st.floats(1, 100))
def test_a_spent_budget_allows_one_last_epoch_whatever_the_epochs_take(seconds, budget):
    begin = spent = 0.0
    epoch_s = None
    for epoch in range(1, 1000):
        pace = budget_of_epoch(LENGTH, epoch, begin, budget - spent, epoch_s)
        if pace is None:
            break
        assert spent < budget or epoch_s is None or pace.epochs_left == 1
        assert pace.stride > 0
        epoch_s = seconds[min(epoch, len(seconds)) - 1]
        spent += epoch_s
        begin = pace.schedule_step(LENGTH.steps_per_epoch)
    assert begin == pytest.approx(LENGTH.steps)


def test_a_slow_epoch_shortens_the_run_and_a_fast_one_lengthens_it():
    slow = budget_of_epoch(LENGTH, 2, begin=10.0, seconds_left=60, epoch_s=60)
    fast = budget_of_epoch(LENGTH, 2, begin=10.0, seconds_left=60, epoch_s=10)
    assert (slow.epochs_left, slow.stride) == (1, 3.0)
    assert (fast.epochs_left, fast.stride) == (6, 0.5)


def test_a_budget_that_is_spent_gets_one_last_epoch_to_end_the_schedule():
    pace = budget_of_epoch(LENGTH, 3, begin=20.0, seconds_left=-5, epoch_s=30)
    assert (pace.epochs_left, pace.schedule_step(10)) == (1, 40.0)
