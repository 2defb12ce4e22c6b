"""Mixed precision: what it computes on a GPU, and that a CPU ignores it and says so."""

from pathlib import Path

import numpy as np
import paddle
import pytest
from paddle import nn

from ocr_lib.config.global_block import GlobalConfig
from ocr_lib.errors import ConfigError
from ocr_lib.training import train
from ocr_lib.training.loss_scale import LossScale
from ocr_lib.training.precision import Precision, float32
from tests.ocr_lib.training.line_data import assert_equal_runs, make_lines, small_config

HALF = {"Global.use_amp": True, "Global.scale_loss": 1024.0, "Global.epoch_num": 1}


def settings(**keys: object) -> GlobalConfig:
    values = {"use_amp": True, "amp_dtype": "bfloat16", "amp_level": "O1", **keys}
    return GlobalConfig(**values)  # type: ignore[arg-type]


def test_outputs_become_float32_wherever_they_are() -> None:
    tensor = paddle.ones([2]).astype("float16")
    outputs = float32({"a": [tensor, 3], "b": (tensor.astype("bfloat16"), None)})
    assert outputs["a"][0].dtype == outputs["b"][0].dtype == paddle.float32
    assert (outputs["a"][1], outputs["b"][1]) == (3, None)


def test_an_operator_in_both_lists_is_refused() -> None:
    lists = {"amp_custom_white_list": ("conv2d",), "amp_custom_black_list": ("conv2d", "tanh")}
    with pytest.raises(ConfigError, match="conv2d is in amp_custom_black_list too"):
        Precision(settings(**lists))


def test_on_a_cpu_the_keys_have_no_effect_and_that_is_said() -> None:
    precision = Precision(settings(amp_dtype="float16", scale_loss=8.0))
    assert precision.describe().startswith("Global.use_amp has no effect on a CPU")
    assert (precision.mixed, precision.loss_scale) == (False, LossScale())
    layer = nn.Linear(3, 2)
    with precision.autocast():
        assert layer(paddle.ones([1, 3])).dtype == paddle.float32


@pytest.mark.parametrize("keys", [{"use_amp": False}, {"amp_level": "O0"}])
def test_float32_as_configured_needs_no_words(keys: dict[str, object]) -> None:
    assert Precision(settings(**keys)).describe() == ""


def test_a_run_on_a_cpu_is_the_same_with_and_without(tmp_path: Path) -> None:
    lines = make_lines(tmp_path / "train", 16, seed=1), make_lines(tmp_path / "eval", 4, seed=2)
    train(small_config(*lines, tmp_path / "mixed", **HALF), quiet=True)
    plain = {**HALF, "Global.use_amp": False}
    train(small_config(*lines, tmp_path / "plain", **plain), quiet=True)
    assert_equal_runs(tmp_path / "mixed", tmp_path / "plain")
    said = "Global.use_amp has no effect on a CPU: everything is computed in float32"
    assert (tmp_path / "mixed/train.log").read_text("utf-8").count(said) == 1
    assert said not in (tmp_path / "plain/train.log").read_text("utf-8")


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_on_a_gpu_layers_compute_in_16_bits_and_weights_stay_float32(dtype: str) -> None:
    paddle.set_device("gpu")
    try:
        layer = nn.Linear(8, 6)
        precision = Precision(settings(amp_dtype=dtype, scale_loss=8.0))
        with precision.autocast():
            output = layer(paddle.ones([4, 8]))
        assert str(output.dtype) == f"paddle.{dtype}"
        precision.loss_scale.scaled(float32(output).sum()).backward()
        assert precision.loss_scale.unscale([layer.weight.grad])
        assert layer.weight.dtype == layer.weight.grad.dtype == paddle.float32
        np.testing.assert_allclose(layer.weight.grad.numpy(), np.full((8, 6), 4.0), rtol=1e-2)
    finally:
        paddle.set_device("cpu")
