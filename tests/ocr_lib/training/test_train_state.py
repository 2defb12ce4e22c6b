"""The position in `.states`: ours comes back, PaddleOCR's is understood."""

import pickle

from ocr_lib.training.time_budget import EpochBudget
from ocr_lib.training.train_state import TrainState


def test_it_comes_back_through_plain_data():
    position = TrainState(3, 7, 57, EpochBudget(50.0, 0.5, 2), 12.5, 6.0, {"acc": 0.5}, 1)
    assert TrainState.from_states(pickle.loads(pickle.dumps(position.states(), 2))) == position


def test_paddleocrs_keys_count_finished_epochs():
    assert TrainState(epoch=4, step_in_epoch=0, global_step=30).states()["epoch"] == 3
    states = {"epoch": 3, "global_step": 30, "best_model_dict": {"acc": 0.9}}
    assert TrainState.from_states(states) == TrainState(epoch=4, global_step=30, best={"acc": 0.9})


def test_another_number_of_processes_goes_on_at_the_same_place_of_the_schedule():
    position = TrainState(2, 6, 18, EpochBudget(12.0, 1.0, 3), steps_per_epoch=12)
    position.rescale(6)
    assert (position.step_in_epoch, position.steps_per_epoch) == (3, 6)
    assert position.pace == EpochBudget(6.0, 1.0, 3)
    position.rescale(6)
    assert position.step_in_epoch == 3
    begun = TrainState(1, 1, 1, EpochBudget(0.0, 1.0, 3), steps_per_epoch=12)
    begun.rescale(2)
    assert begun.step_in_epoch == 1  # within the epoch still
    foreign = TrainState(4)
    foreign.rescale(10)
    assert (foreign.epoch, foreign.step_in_epoch) == (4, 0)
