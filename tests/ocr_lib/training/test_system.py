"""The network with its loss: built from the seed, its losses, its logits."""

from pathlib import Path

import numpy as np
import paddle
import pytest

from ocr_lib.config.schema import Config
from ocr_lib.data.loading.label_encoder import LabelEncoder
from ocr_lib.losses import build_loss
from ocr_lib.text.dictionary import Charset
from ocr_lib.training.parallel import Parallel
from ocr_lib.training.plan import resolve
from ocr_lib.training.system import RecognitionSystem, reading_logits
from tests.ocr_lib.training.line_data import DIGITS, small_config
from tests.ocr_lib.training.other_networks import distillation_config

CHARSET = Charset(tuple(DIGITS))
TEXTS = ["12", "345"]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return small_config(tmp_path, tmp_path, tmp_path)


def images(channels: int = 1) -> paddle.Tensor:
    values = np.random.default_rng(0).normal(size=(2, channels, 32, 64))
    return paddle.to_tensor(values.astype("float32"))


def labels(config: Config) -> dict[str, paddle.Tensor]:
    arrays = LabelEncoder.of(config, CHARSET).encode(TEXTS)
    return {name: paddle.to_tensor(array) for name, array in arrays.items()}


def test_every_start_is_the_same(config: Config) -> None:
    one, other = (RecognitionSystem(resolve(config), CHARSET, Parallel()).network for _ in range(2))
    for name, value in one.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), other.state_dict()[name].numpy())


def test_the_loss_is_the_configured_one_of_the_logits(config: Config) -> None:
    system = RecognitionSystem(resolve(config), CHARSET, Parallel())
    output = system.loss(images(), labels(config))
    expected = build_loss(config.loss)(output.logits, labels(config))
    assert output.losses["loss"].item() == pytest.approx(expected["loss"].item(), rel=1e-6)
    assert output.logits.shape == [2, 16, CHARSET.num_classes]
    output.losses["loss"].backward()
    assert system.gradient_sync.gradients()


def test_logits_are_probabilities_in_evaluation(config: Config) -> None:
    system = RecognitionSystem(resolve(config), CHARSET, Parallel())
    assert system.network.training
    system.network.eval()
    probabilities = system.logits(images()).numpy()
    np.testing.assert_allclose(probabilities.sum(axis=2), 1.0, rtol=1e-5)


def test_of_several_networks_the_student_reads(tmp_path: Path) -> None:
    config = distillation_config(tmp_path, tmp_path, tmp_path)
    system = RecognitionSystem(resolve(config), CHARSET, Parallel())
    system.network.eval()
    student = system.network.network("Student")(images()).numpy()
    np.testing.assert_array_equal(system.logits(images()).numpy(), student)
    system.network.train()
    output = system.loss(images(), labels(config))
    assert {"loss", "dml_0"} <= set(output.losses)
    assert output.logits.shape[0] == 2


def test_parameters_are_counted_without_buffers(config: Config) -> None:
    system = RecognitionSystem(resolve(config), CHARSET, Parallel())
    sizes = [int(p.size) for p in system.network.parameters()]
    assert system.parameter_count == sum(sizes) > 0


@pytest.mark.parametrize(
    ("outputs", "network"),
    [
        ("it", ""),
        (("features", "it"), ""),
        (["features", "it"], ""),
        ({"ctc": "it", "gtc": "x"}, ""),
        ({"backbone_out": "x", "head_out": ("features", "it")}, ""),
        ({"head_out": {"ctc": "it"}}, ""),
        ({"Student": {"head_out": "it"}, "Teacher": "x"}, "Student"),
    ],
)
def test_the_logits_that_are_read_are_found_in_every_form(outputs: object, network: str) -> None:
    tensor = paddle.ones([1])

    def put(value: object) -> object:
        if isinstance(value, dict):
            return {key: put(item) for key, item in value.items()}
        if isinstance(value, tuple | list):
            return type(value)(put(item) for item in value)
        return tensor if value == "it" else value

    assert reading_logits(put(outputs), network) is tensor
