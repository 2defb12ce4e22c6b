"""Mixed precision: what is rounded, how the loss is scaled, and that a resume changes nothing."""

import re

import numpy as np
import paddle
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paddle import nn

from ocr_lib.config.global_block import GlobalConfig
from ocr_lib.errors import ConfigError
from ocr_lib.training import checkpoint, train
from ocr_lib.training.loss_scale import GROW_AFTER, MAX_IN_ROW, LossScale
from ocr_lib.training.nan_guard import TrainingError
from ocr_lib.training.precision import Precision, float32
from tests.ocr_lib.training.line_data import (
    assert_equal_runs,
    make_lines,
    params,
    small_config,
    train_until,
)

SEARCHES = {  # its scale overflows at first
    "Global.use_amp": True,
    "Global.amp_level": "O1",
    "Global.use_dynamic_loss_scaling": True,
    "Global.scale_loss": 2.0**20,
    "Global.epoch_num": 2,
}
AMP = {"Global.use_amp": True, "Global.amp_dtype": "bfloat16", "Global.amp_level": "O1"}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("lines")
    return make_lines(root / "train", 60, seed=1), make_lines(root / "eval", 20, seed=2)


def settings(**keys) -> GlobalConfig:
    return GlobalConfig(**{"use_amp": True, "amp_dtype": "bfloat16", "amp_level": "O1", **keys})


def rounded(array, dtype="bfloat16"):
    return paddle.to_tensor(array).astype(dtype).astype("float32").numpy()


def network():
    paddle.seed(3)
    return nn.Sequential(nn.Linear(8, 6), nn.BatchNorm1D(6), nn.Sigmoid(), nn.Linear(6, 4))


def test_a_linear_layer_reads_and_writes_16_bits_and_keeps_float32_weights():
    paddle.seed(1)
    layer = nn.Linear(8, 6)
    weight, bias, x = layer.weight.numpy(), layer.bias.numpy(), np.float32(np.eye(4, 8) / 3)
    precision = Precision(settings(), layer)
    with precision.computing():
        y = layer(paddle.to_tensor(x)).numpy()
    np.testing.assert_array_equal(y, rounded(rounded(x) @ rounded(weight) + rounded(bias)))
    np.testing.assert_array_equal(layer.weight.numpy(), weight)
    plain = layer(paddle.to_tensor(x)).numpy()  # evaluation computes in float32
    np.testing.assert_allclose(plain, x @ weight + bias, rtol=1e-6)
    assert not np.array_equal(plain, y)


def test_gradients_reach_the_float32_weights_through_16_bits():
    model = network()
    precision = Precision(settings(), model)
    with precision.computing():
        loss = model(paddle.rand([5, 8])).square().mean()
    loss.backward()
    for parameter in (p for p in model.parameters() if not p.stop_gradient):
        assert parameter.dtype == paddle.float32
        assert parameter.grad.dtype == paddle.float32
    gradient = model[3].weight.grad.numpy()
    np.testing.assert_array_equal(gradient, rounded(gradient))


def test_o2_rounds_activations_too_and_a_black_list_takes_layers_out():
    x = paddle.rand([5, 8])
    outputs = {}
    for level, black in (("O1", ()), ("O2", ()), ("O1", ("matmul_v2",))):
        model = network()
        precision = Precision(settings(amp_level=level, amp_custom_black_list=black), model)
        with precision.computing():
            outputs[level, black] = model[:3](x).numpy()
    plain = network()[:3](x).numpy()
    np.testing.assert_array_equal(outputs["O1", ("matmul_v2",)], plain)
    assert not np.array_equal(outputs["O1", ()], rounded(outputs["O1", ()]))
    np.testing.assert_array_equal(outputs["O2", ()], rounded(outputs["O2", ()]))


def test_outputs_become_float32_wherever_they_are():
    tensor = paddle.ones([2]).astype("float16")
    found = float32({"a": [tensor, 3], "b": (tensor.astype("bfloat16"), None)})
    assert found["a"][0].dtype == found["b"][0].dtype == paddle.float32
    assert (found["a"][1], found["b"][1]) == (3, None)


def test_an_operator_in_both_lists_is_refused():
    lists = {"amp_custom_white_list": ("conv2d",), "amp_custom_black_list": ("conv2d", "tanh")}
    with pytest.raises(ConfigError, match="conv2d stands in amp_custom_black_list too"):
        Precision(settings(**lists), network())


@given(st.lists(st.booleans(), max_size=200))
def test_a_dynamic_scale_halves_at_every_overflow_down_to_one(finite):
    scale = LossScale(1024.0, dynamic=True, checked=True)
    for ok in finite:
        value = paddle.to_tensor([1.0 if ok else float("inf")])
        assert scale.in_row < MAX_IN_ROW
        if scale.in_row == MAX_IN_ROW - 1 and not ok:
            with pytest.raises(TrainingError, match=f"of {MAX_IN_ROW} updates in a row"):
                scale.unscale([value])
            return
        assert scale.unscale([value]) is ok
    assert scale.skipped == finite.count(False)
    assert scale.scale == max(1.0, 1024.0 / 2 ** finite.count(False))


def test_the_scale_grows_again_and_comes_back_from_a_checkpoint():
    scale = LossScale(8.0, dynamic=True, checked=True, good=GROW_AFTER - 2)
    other = LossScale(1024.0, dynamic=True, checked=True)
    other.restore(scale.states())
    one = [paddle.ones([1])]
    assert [other.unscale(one), other.scale, other.unscale(one), other.scale] == [
        True,
        8.0,
        True,
        16.0,
    ]
    static = LossScale(4.0, checked=True)
    static.restore(scale.states())
    assert static.scale == 4.0  # the configuration's


def test_scaling_keeps_small_gradients_of_float16():
    found = {}
    for factor in (1.0, 2.0**12):
        layer = nn.Linear(1, 1)
        layer.weight.set_value(paddle.ones([1, 1]))
        precision = Precision(settings(amp_dtype="float16", scale_loss=factor), layer)
        with precision.computing():
            loss = layer(paddle.ones([1, 1])).sum() * 1e-8
        precision.loss_scale.scaled(loss).backward()
        assert precision.loss_scale.unscale([layer.weight.grad])
        found[factor] = layer.weight.grad.item()
    assert found[1.0] == 0.0
    assert found[2.0**12] == pytest.approx(1e-8, rel=1e-3)


@pytest.mark.parametrize("level", ["O1", "O2"])
def test_a_run_in_bfloat16_stopped_and_resumed_ends_with_the_same_bytes(data, tmp_path, level):
    keys = {**AMP, "Global.amp_level": level, "Global.save_step_every": 1, "Global.epoch_num": 2}
    train(small_config(*data, tmp_path / "whole", **keys), quiet=True)
    config = small_config(*data, tmp_path / "run", **keys)
    train_until(config, 5)
    assert train(config, quiet=True).resumed_from == 5
    assert_equal_runs(tmp_path / "whole", tmp_path / "run")
    assert {array.dtype for array in params(tmp_path / "run").values()} == {np.dtype("float32")}
    log = (tmp_path / "run/train.log").read_text("utf-8")
    assert f"mixed precision {level} in bfloat16; on a CPU values are rounded so" in log


def test_overflows_under_dynamic_scaling_are_left_out_counted_and_survive_a_resume(data, tmp_path):
    run_dir = tmp_path / "run"
    train(small_config(*data, run_dir, **SEARCHES), quiet=True)
    kept = checkpoint.load(run_dir / "latest").states["loss_scale"]
    assert kept["skipped"] > 0
    assert kept["scale"] == 2.0**20 / 2 ** kept["skipped"]
    log = (run_dir / "train.log").read_text("utf-8")
    said = re.findall(r"update (\d+) left out: gradients overflow float16; (\d+) so far", log)
    assert [int(count) for _, count in said] == list(range(1, kept["skipped"] + 1))
    assert np.isfinite(params(run_dir)["head.fc.weight"]).all()
    train(small_config(*data, run_dir, **{**SEARCHES, "Global.epoch_num": 3}), quiet=True)
    after = checkpoint.load(run_dir / "latest").states["loss_scale"]
    assert after["skipped"] >= kept["skipped"]
    assert after["good"] > kept["good"] or after["skipped"] > kept["skipped"]


def test_a_run_stopped_before_its_first_update_goes_on(data, tmp_path):
    """The optimiser has no state yet, which is not to be taken for one that is missing."""
    train(small_config(*data, tmp_path / "whole", **SEARCHES), quiet=True)
    config = small_config(*data, tmp_path / "run", **SEARCHES, **{"Global.save_step_every": 1})
    train_until(config, 1)
    saved = checkpoint.load(tmp_path / "run/latest")
    assert (saved.states["loss_scale"]["skipped"], saved.optimizer) == (1, {})
    assert train(config, quiet=True).resumed_from == 1
    assert_equal_runs(tmp_path / "whole", tmp_path / "run")


def test_a_loss_that_is_not_finite_stops_a_mixed_run_too(data, tmp_path):
    keys = {**AMP, "Optimizer.lr.max_lr": 1e30, "Global.use_dynamic_loss_scaling": True}
    with pytest.raises(TrainingError, match="not finite at step"):
        train(small_config(*data, tmp_path / "run", **keys), quiet=True)
    assert (tmp_path / "run/nonfinite_batch.npz").exists()
