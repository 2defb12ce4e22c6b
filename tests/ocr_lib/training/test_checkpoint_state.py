"""What a checkpoint holds of a run: it comes back, averages too, and another run's is refused."""

from pathlib import Path

import numpy as np
import paddle
import pytest
from paddle import nn

from ocr_lib.errors import CheckpointError
from ocr_lib.training import checkpoint, weights
from ocr_lib.training.checkpoint import TRAINED
from ocr_lib.training.checkpoint_state import CheckpointState
from ocr_lib.training.ema import EMASettings
from ocr_lib.training.loss_scale import LossScale
from ocr_lib.training.train_state import TrainState


def new_state(decay: float | None = None, seed: int = 0) -> tuple[nn.Layer, CheckpointState]:
    paddle.seed(seed)
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1D(4))
    optimizer = paddle.optimizer.Adam(0.1, parameters=network.parameters())
    ema = None if decay is None else EMASettings(decay)
    return network, CheckpointState(network, optimizer, LossScale(), ema)


def update(network: nn.Layer, state: CheckpointState) -> None:
    images = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    network(paddle.to_tensor(images)).pow(3).sum().backward()
    state.update()
    network.clear_gradients()


def resumed(prefix: Path, decay: float | None = None) -> tuple[nn.Layer, CheckpointState]:
    network, state = new_state(decay, seed=9)
    saved = checkpoint.load(prefix)
    weights.load_into(network, saved.params, str(prefix), min_share=1.0)
    optimizer = weights.optimizer_state_for(network, saved.optimizer, saved.params)
    state.restore(optimizer, saved.states, str(prefix))
    return network, state


def values(network: nn.Layer) -> list[np.ndarray]:
    return [value.numpy() for value in network.state_dict().values()]


@pytest.mark.parametrize("decay", [None, 0.9])
def test_a_resumed_state_goes_on_with_the_same_bytes(tmp_path: Path, decay: float | None) -> None:
    network, state = new_state(decay)
    state.begin_average()
    update(network, state)
    state.progress = TrainState(epoch=2, global_step=1)
    state.save(tmp_path / "latest")
    other, other_state = resumed(tmp_path / "latest", decay)
    assert other_state.progress == state.progress
    for each in ((network, state), (other, other_state)):
        update(*each)
    for one, two in zip(values(network), values(other), strict=True):
        np.testing.assert_array_equal(one, two)
    with state.averaged(), other_state.averaged():
        for one, two in zip(values(network), values(other), strict=True):
            np.testing.assert_array_equal(one, two)


def test_the_file_of_weights_has_the_average(tmp_path: Path) -> None:
    network, state = new_state(0.5)
    state.begin_average()
    update(network, state)
    state.save(tmp_path / "latest")
    saved = checkpoint.load(tmp_path / "latest")
    with state.averaged():
        np.testing.assert_array_equal(saved.params["0.weight"], network[0].weight.numpy())
    np.testing.assert_array_equal(saved.optimizer[TRAINED]["0.weight"], network[0].weight.numpy())
    assert not np.array_equal(saved.params["0.weight"], network[0].weight.numpy())
    assert saved.states["averaged_updates"] == 1


def test_without_an_average_there_is_nothing_to_swap() -> None:
    network, state = new_state()
    state.begin_average()
    before = values(network)
    with state.averaged():
        for one, two in zip(before, values(network), strict=True):
            np.testing.assert_array_equal(one, two)
    assert state.average is None


def test_an_optimiser_of_other_shapes_is_refused_at_the_first_update() -> None:
    network, state = new_state()
    update(network, state)
    optimizer = {n: v.numpy() for n, v in state._optimizer.state_dict().items() if "moment" in n}
    reshaped = {name: np.zeros((7, 7), np.float32) for name in optimizer}

    def resume() -> None:
        state.restore(reshaped, {}, "old")
        update(network, state)

    with pytest.raises(CheckpointError, match=r"^old: its optimiser or its progress is not one"):
        resume()


def test_an_error_of_the_optimiser_in_a_new_run_is_not_blamed_on_a_checkpoint() -> None:
    class Failing:
        def step(self) -> None:
            raise AssertionError("none")

    state = CheckpointState(nn.Linear(1, 1), Failing(), LossScale(), None)
    with pytest.raises(AssertionError, match="none"):
        state.update()
