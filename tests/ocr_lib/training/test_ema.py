"""The average of the weights: its numbers, what is kept where, and an exact resume."""

import numpy as np
import paddle
import pytest
from paddle import nn

from ocr_lib.config.global_block import GlobalConfig
from ocr_lib.training import checkpoint, load_run, train
from ocr_lib.training.checkpoint import TRAINED
from ocr_lib.training.ema import EMA, EMASettings
from ocr_lib.training.trainer import Trainer
from tests.ocr_lib.training.line_data import assert_equal_runs, make_lines, params, small_config

KEYS = {"Global.ema_decay": 0.8, "Global.save_step_every": 1, "Global.epoch_num": 2}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("lines")
    return make_lines(root / "train", 60, seed=1), make_lines(root / "eval", 20, seed=2)


def test_it_remembers_little_at_first_and_gives_the_weights_back_bit_for_bit():
    model = nn.BatchNorm1D(1)
    values = [np.float32([v]) for v in (1.0, 3.0, -2.0, 7.0)]
    model.weight.set_value(values[0])
    average, expected = EMA(model, EMASettings(0.25)), values[0]
    for count, value in enumerate(values[1:]):
        model.weight.set_value(value)
        average.update()
        decay = min(0.25, (1 + count) / (10 + count))
        expected = expected * decay + value * (1 - decay)
    with average.applied():
        np.testing.assert_allclose(model.weight.numpy(), expected, rtol=1e-6)
    np.testing.assert_array_equal(model.weight.numpy(), values[-1])


def test_statistics_are_averaged_too():
    model = nn.BatchNorm1D(2)
    average = EMA(model, EMASettings(0.5))
    model._mean.set_value(paddle.to_tensor([4.0, 8.0]))
    average.update()
    with average.applied():
        mean = model._mean.numpy()
    np.testing.assert_allclose(mean, [4 * 9 / 10, 8 * 9 / 10], rtol=1e-6)


@pytest.mark.parametrize(
    ("decay_type", "expected"),
    [
        ("threshold", [0.1, 2 / 11, 0.5]),
        ("exponential", [0.5 * (1 - np.exp(-1 / 4)), 0.5 * (1 - np.exp(-2 / 4)), 0.5]),
        ("normal", [0.5, 0.5, 0.5]),
    ],
)
def test_the_decay_of_an_update_is_paddleocrs(decay_type, expected):
    config = EMASettings(0.5, decay_type, gamma=4.0)
    assert [config.decay_at(n) for n in (0, 1, 1000)] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("keys", "decay"),
    [
        ({}, None),
        ({"use_ema": False, "ema_decay": 0.9}, None),
        ({"use_ema": True}, 0.9998),
        ({"ema_decay": 0.9}, 0.9),
    ],
)
def test_paddleocrs_switch_and_the_decay_alone_ask_for_an_average(keys, decay):
    config = EMASettings.from_settings(GlobalConfig(**keys))
    assert (config and config.decay) == decay


def test_statistics_are_averaged_where_untrained_parameters_are_not():
    model = nn.BatchNorm1D(1)
    model.bias.stop_gradient = True
    average = EMA(model, EMASettings(0.5, "normal", filter_no_grad=True))
    model._mean.set_value(paddle.to_tensor([4.0]))
    model.bias.set_value(paddle.to_tensor([6.0]))
    average.update()
    with average.applied():
        assert (model._mean.item(), model.bias.item()) == (2.0, 6.0)


def test_checkpoints_hold_the_average_and_a_stopped_run_goes_on_with_the_weights(
    data, tmp_path, monkeypatch
):
    train(small_config(*data, tmp_path / "whole", **KEYS), quiet=True)
    real = Trainer.update

    def stop(self, loaded, at, learning_rate):
        if at == 11:
            raise KeyboardInterrupt
        return real(self, loaded, at, learning_rate)

    config = small_config(*data, tmp_path / "run", **KEYS)
    monkeypatch.setattr(Trainer, "update", stop)
    with pytest.raises(KeyboardInterrupt):
        train(config, quiet=True)
    monkeypatch.setattr(Trainer, "update", real)
    assert train(config, quiet=True).resumed_from == 11
    assert_equal_runs(tmp_path / "whole", tmp_path / "run")
    saved = checkpoint.load(tmp_path / "run/latest")
    name = "head.fc.weight"
    assert not np.array_equal(saved.params[name], saved.optimizer[TRAINED][name])
    loaded = load_run(tmp_path / "run", "latest").model.state_dict()[name]
    np.testing.assert_array_equal(loaded.numpy(), saved.params[name])


def test_a_run_without_an_average_goes_on_with_the_trained_weights_of_one_with_it(data, tmp_path):
    train(small_config(*data, tmp_path / "run", **KEYS), quiet=True)
    kept = checkpoint.load(tmp_path / "run/latest").optimizer[TRAINED]
    keys = {
        "Global.checkpoints": tmp_path / "run/latest",
        "Global.epoch_num": 3,
        "Optimizer.lr.max_lr": 1e-30,
        "Optimizer.weight_decay": 0.0,
    }
    train(small_config(*data, tmp_path / "other", **keys), quiet=True)
    after = params(tmp_path / "other")
    np.testing.assert_allclose(after["head.fc.weight"], kept["head.fc.weight"], atol=1e-12)
