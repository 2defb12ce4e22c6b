"""Every configuration of the reference facts: same parameters, same numbers as PaddleOCR."""

import gc
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import paddle
import pytest

from ocr_lib.losses import build_loss
from ocr_lib.models import build_model
from tests.compat.conftest import compat_dir
from tests.compat.reference import Reference, read_reference
from tests.compat.rule import rule_input, set_rule_weights, switch_off_dropout

pytestmark = pytest.mark.compat
TOLERANCE = 1e-4


@dataclass
class Case:
    reference: Reference
    model: paddle.nn.Layer
    images: paddle.Tensor


@pytest.fixture(scope="module")
def case(config_name: str) -> Iterator[Case]:
    reference = read_reference(compat_dir(), config_name)
    model = build_model(reference.architecture, reference.num_classes)
    set_rule_weights(model)
    yield Case(reference, model, paddle.to_tensor(rule_input(reference.image_shape)))
    gc.collect()


def test_parameters_have_the_same_names_and_shapes(case: Case) -> None:
    ours = {name: list(tensor.shape) for name, tensor in case.model.state_dict().items()}
    assert ours == case.reference.params


def test_eval_output_is_the_same(case: Case) -> None:
    case.model.eval()
    with paddle.no_grad():
        output = case.model(case.images)
    for name in case.reference.outputs():
        compare_output(output if name == "out" else output[name], name, case.reference.arrays)


def compare_output(output: Any, name: str, arrays: dict[str, np.ndarray]) -> None:
    if isinstance(output, dict):
        output = output["head_out"]
    ours = output.numpy()
    assert list(ours.shape) == arrays[f"{name}.shape"].tolist()
    np.testing.assert_allclose(ours.max(-1), arrays[f"{name}.max"], rtol=TOLERANCE, atol=1e-7)
    np.testing.assert_allclose(ours[..., :64], arrays[f"{name}.head"], rtol=TOLERANCE, atol=1e-7)
    np.testing.assert_array_equal(ours.argmax(-1), arrays[f"{name}.argmax"])


def test_training_loss_and_gradients_are_the_same(case: Case) -> None:
    if case.reference.grad_norms is None:
        pytest.skip("the reference has no training loss")
    case.model.train()
    switch_off_dropout(case.model)
    batch = reference_batch(case.reference, case.images)
    losses = build_loss(case.reference.loss)(case.model(case.images, batch), batch)
    for name, value in case.reference.losses().items():
        np.testing.assert_allclose(float(losses[name]), value, rtol=TOLERANCE, err_msg=name)
    losses["loss"].backward()
    compare_gradients(case.model, case.reference.grad_norms)


def reference_batch(reference: Reference, images: paddle.Tensor) -> dict[str, paddle.Tensor]:
    arrays = reference.arrays
    return {
        "image": images,
        "label_ctc": paddle.to_tensor(arrays["ctc_label"].astype("int32")),
        "label_gtc": paddle.to_tensor(arrays["gtc_label"].astype("int64")),
        "length": paddle.to_tensor(arrays["length"].astype("int64")),
        "valid_ratio": paddle.to_tensor(arrays["valid_ratio"].astype("float32")),
    }


def compare_gradients(model: paddle.nn.Layer, expected: dict[str, float]) -> None:
    norms = {
        name: float(paddle.linalg.norm(parameter.grad))
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }
    assert norms.keys() == expected.keys()
    total = math.sqrt(sum(value**2 for value in expected.values()))
    wrong = {
        name: (norms[name], value)
        for name, value in expected.items()
        if abs(norms[name] - value) > 5e-3 * value + 1e-5 * total
    }
    assert not wrong
