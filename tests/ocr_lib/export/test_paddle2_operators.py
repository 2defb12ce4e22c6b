"""Functions that Paddle 3.3 writes in the new format only, written for Paddle 2 and computed."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import paddle
import pytest
from paddle import nn
from paddle.nn import functional

from ocr_lib.data.image import Preprocess
from ocr_lib.errors import ExportError
from ocr_lib.export.paddle2_operators import OLD, UNARY
from ocr_lib.export.paddle_format import input_shape, save_paddle2
from ocr_lib.export.paddle_runtime import paddle_forward
from ocr_lib.models import build_model
from tests.ocr_lib.training.other_networks import other_config

Function = Callable[[paddle.Tensor], paddle.Tensor]


class Computes(nn.Layer):
    """A network of one function; Paddle saves none without a weight."""

    def __init__(self, function: Function) -> None:
        super().__init__()
        self.function = function
        self.one = self.create_parameter([1], default_initializer=nn.initializer.Constant(1.0))

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """[N, 3, 8, W] → what the function makes of it, as float32."""
        return self.function(x * self.one).astype("float32")


class Cell(nn.Layer):
    """An LSTM cell, whose activations are chosen when it is built."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(8, 4)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """[N, 3, 8, W] → [N, 4]."""
        return self.cell(x.mean(axis=3)[:, 0])[0]


def assert_written(model: nn.Layer, folder: Path) -> None:
    """Checks that a network computes the same from Paddle 2's files."""
    model.eval()
    save_paddle2(model, [None, 3, 8, 12], folder)
    images = np.random.default_rng(0).uniform(0.1, 0.9, (2, 3, 8, 12)).astype(np.float32)
    answers = paddle_forward(folder, program="inference.pdmodel", traced_here=True)(images)
    np.testing.assert_allclose(answers, model(paddle.to_tensor(images)).numpy(), rtol=1e-5)


@pytest.mark.parametrize("name", [name for name in UNARY if name != "acosh"])
def test_functions_of_one_number(tmp_path: Path, name: str) -> None:
    assert_written(Computes(getattr(paddle, name)), tmp_path)


@pytest.mark.parametrize(
    "function",
    [
        pytest.param(lambda x: paddle.acosh(x + 1.0), id="acosh"),
        pytest.param(functional.sigmoid, id="functional.sigmoid"),
        pytest.param(functional.gelu, id="gelu"),
        pytest.param(lambda x: functional.gelu(x, approximate=True), id="gelu-approximate"),
        pytest.param(lambda x: paddle.multiply(x, x), id="multiply"),
        pytest.param(lambda x: paddle.maximum(x, 1.0 - x), id="maximum"),
        pytest.param(lambda x: paddle.minimum(x, 1.0 - x), id="minimum"),
        pytest.param(lambda x: paddle.matmul(x, x, transpose_y=True), id="matmul"),
        pytest.param(lambda x: paddle.bmm(x[:, 0], x[:, 1].transpose([0, 2, 1])), id="bmm"),
        pytest.param(lambda x: x.sum(axis=1), id="sum"),
        pytest.param(lambda x: x.sum(axis=[1, 2], keepdim=True), id="sum-keepdim"),
        pytest.param(lambda x: x.amax(axis=3), id="amax"),
        pytest.param(lambda x: x.amin(axis=3), id="amin"),
        pytest.param(lambda x: x.argmax(axis=3), id="argmax"),
        pytest.param(lambda x: paddle.greater_than(x, 1.0 - x), id="greater_than"),
        pytest.param(lambda x: (x > 0.3).logical_or(x < 0.2), id="logical_or"),
        pytest.param(lambda x: (x > 0.3).logical_and(x < 0.6), id="logical_and"),
        pytest.param(lambda x: (x > 0.3).logical_xor(x < 0.6), id="logical_xor"),
        pytest.param(lambda x: (x > 0.3).logical_not(), id="logical_not"),
        pytest.param(lambda x: (x > 0.3).all(axis=1), id="all"),
        pytest.param(lambda x: (x > 0.8).any(axis=1), id="any"),
        pytest.param(
            lambda x: functional.grid_sample(x, x.transpose([0, 2, 3, 1])[..., :2]), id="grid"
        ),
    ],
)
def test_functions_of_several_and_their_arguments(tmp_path: Path, function: Function) -> None:
    assert_written(Computes(function), tmp_path)


def test_functions_that_a_layer_holds(tmp_path: Path) -> None:
    assert_written(Cell(), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        ("sar", {}),
        (
            "attention",
            {"Architecture.Transform": "{name: TPS, num_fiducial: 4, model_name: small}"},
        ),
    ],
)
def test_heads_that_write_character_by_character(
    tmp_path: Path, kind: str, keys: dict[str, object]
) -> None:
    config = other_config(kind, tmp_path, tmp_path, tmp_path, **keys)
    preprocess = Preprocess.from_config(config)
    paddle.seed(3)
    model = build_model(config.architecture, 12)
    model.eval()
    save_paddle2(model, input_shape(config, preprocess), tmp_path)
    size = (2, preprocess.channels, preprocess.height, preprocess.buckets[-1])
    images = np.random.default_rng(0).uniform(-1, 1, size).astype(np.float32)
    program = paddle_forward(tmp_path, program="inference.pdmodel", traced_here=True)
    expected = model(paddle.to_tensor(images))
    np.testing.assert_allclose(program(images), expected.numpy(), atol=1e-4)


def test_what_paddle_2_cannot_be_told_is_named_and_nothing_stays_replaced(tmp_path: Path) -> None:
    assert "atan2" not in OLD
    before = paddle.static.Variable.sum
    with pytest.raises(ExportError, match="the operator logsumexp cannot be written"):
        save_paddle2(Computes(lambda x: x.logsumexp(axis=1)), [None, 3, 8, 12], tmp_path)
    assert paddle.static.Variable.sum is before
    assert float(paddle.to_tensor([1.0, 2.0]).sum()) == 3.0
