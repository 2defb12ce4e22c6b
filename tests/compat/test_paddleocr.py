"""Every configuration of the reference facts: same parameters, same numbers as PaddleOCR."""

import gc
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import paddle
import pytest
from scipy import stats

from ocr_lib.losses import build_loss
from ocr_lib.models import build_model
from ocr_lib.models.heads.ctc import CTCHead
from tests.compat.conftest import compat_dir
from tests.compat.reference import Reference, read_reference
from tests.compat.rule import nudge, rule_input, set_rule_weights, switch_off_dropout

pytestmark = pytest.mark.compat
TOLERANCE = 1e-4
# The reference left the dropout inside SAR's LSTMs on; from run to run its loss moves by this.
SAR_TOLERANCE = 1e-3
NUDGES = 23  # with the plain weights 24 draws
FALSE_ALARMS = 0.01  # for all norms of a case


@dataclass
class Case:
    reference: Reference
    model: paddle.nn.Layer
    images: paddle.Tensor
    batch: dict[str, paddle.Tensor]

    def training_step(self, seed: int = 0) -> tuple[dict[str, float], dict[str, float]]:
        """The losses, and the L2 norm of every gradient."""
        paddle.seed(seed)
        outputs = self.model(self.images, self.batch)
        losses = build_loss(self.reference.loss)(outputs, self.batch)
        losses["loss"].backward()
        norms = {
            name: float(paddle.linalg.norm(parameter.grad))
            for name, parameter in self.model.named_parameters()
            if parameter.grad is not None
        }
        self.model.clear_gradients()
        return {name: float(value) for name, value in losses.items()}, norms


@pytest.fixture(scope="module")
def case(config_name: str) -> Iterator[Case]:
    reference = read_reference(compat_dir(), config_name)
    model = build_model(reference.architecture, reference.num_classes)
    set_rule_weights(model)
    images = paddle.to_tensor(rule_input(reference.image_shape))
    yield Case(reference, model, images, reference_batch(reference, images))
    gc.collect()


def reference_batch(reference: Reference, images: paddle.Tensor) -> dict[str, paddle.Tensor]:
    arrays = reference.arrays
    if "length" not in arrays:
        return {"image": images}
    # The reference gave RARE's head, which has no other, the CTC label.
    guide = "ctc_label" if reference.loss.name == "AttentionLoss" else "gtc_label"
    return {
        "image": images,
        "label_ctc": paddle.to_tensor(arrays["ctc_label"].astype("int32")),
        "label_gtc": paddle.to_tensor(arrays[guide].astype("int64")),
        "length": paddle.to_tensor(arrays["length"].astype("int64")),
        "valid_ratio": paddle.to_tensor(arrays["valid_ratio"].astype("float32")),
    }


def test_parameters_have_the_same_names_and_shapes(case: Case) -> None:
    ours = {name: list(tensor.shape) for name, tensor in case.model.state_dict().items()}
    assert ours == case.reference.params


def test_eval_output_is_the_same(case: Case) -> None:
    case.model.eval()
    logits: list[np.ndarray] = []
    hooks = [
        layer.register_forward_post_hook(lambda _, __, output: logits.append(output.numpy()))
        for layer in last_ctc_layers(case.model)
    ]
    with paddle.no_grad():
        output = case.model(case.images)
    for hook in hooks:
        hook.remove()
    if "out.logit_max" in case.reference.arrays:
        compare_logits(*logits, case.reference.arrays)
    for name in case.reference.outputs():
        compare_output(output if name == "out" else output[name], name, case.reference.arrays)


def last_ctc_layers(model: paddle.nn.Layer) -> list[paddle.nn.Layer]:
    heads = (layer for layer in model.sublayers() if isinstance(layer, CTCHead))
    return [head.fc if head.mid_channels is None else head.fc2 for head in heads]


def compare_logits(ours: np.ndarray, arrays: dict[str, np.ndarray]) -> None:
    """Where logits are so large that probabilities are 0 or 1, only logits tell networks apart."""
    scale = 1e-5 * float(np.abs(arrays["out.logit_max"]).max())
    for key, values in (("max", ours.max(-1)), ("head", ours[..., :64])):
        expected = arrays[f"out.logit_{key}"]
        np.testing.assert_allclose(values, expected, rtol=TOLERANCE, atol=scale, err_msg=key)


def compare_output(output: Any, name: str, arrays: dict[str, np.ndarray]) -> None:
    ours = output.numpy()
    assert list(ours.shape) == arrays[f"{name}.shape"].tolist()
    np.testing.assert_allclose(ours.max(-1), arrays[f"{name}.max"], rtol=TOLERANCE, atol=1e-7)
    np.testing.assert_allclose(ours[..., :64], arrays[f"{name}.head"], rtol=TOLERANCE, atol=1e-7)
    np.testing.assert_array_equal(ours.argmax(-1), arrays[f"{name}.argmax"])


def test_training_loss_and_gradients_are_the_same(case: Case) -> None:
    reference = case.reference
    if reference.grad_norms is None:
        pytest.skip("the reference has no training loss")
    case.model.train()
    switch_off_dropout(case.model)
    losses, norms = case.training_step()
    for name, value in reference.losses().items():
        tolerance = SAR_TOLERANCE if "sar" in name.lower() else TOLERANCE
        np.testing.assert_allclose(losses[name], value, rtol=tolerance, err_msg=name)
    assert norms.keys() == reference.grad_norms.keys()
    off = out_of_tolerance(norms, reference.grad_norms)
    assert not outside_noise(case, norms, off)


def out_of_tolerance(norms: dict[str, float], expected: dict[str, float]) -> dict[str, float]:
    total = math.sqrt(sum(value**2 for value in expected.values()))
    return {
        name: value
        for name, value in expected.items()
        if abs(norms[name] - value) > 5e-3 * value + 1e-5 * total
    }


def outside_noise(
    case: Case, norms: dict[str, float], off: dict[str, float]
) -> dict[str, tuple[float, float, float]]:
    """Those of `off` that rounding does not explain: name → lowest, expected, highest.

    Splines that bend an image multiply rounding: one unit in the last place of the weights moves
    their gradients by several percent. So does the dropout inside SAR's LSTMs. A norm is explained
    if it is inside Student's prediction interval of the norms that weights moved by one such unit,
    and other dropout, give. The interval has a false-alarm rate of 1 % for all norms of a case.
    """
    if not off:
        return {}
    draws = [norms]
    for seed in range(NUDGES):
        set_rule_weights(case.model)
        nudge(case.model, seed)
        draws.append(case.training_step(seed)[1])
    wrong = {}
    level = 1 - FALSE_ALARMS / (2 * len(norms))
    width = float(stats.t.ppf(level, len(draws) - 1)) * math.sqrt(1 + 1 / len(draws))
    for name, value in off.items():
        values = [draw[name] for draw in draws]
        center, slack = float(np.mean(values)), width * float(np.std(values, ddof=1))
        if abs(value - center) > slack:
            wrong[name] = (center - slack, value, center + slack)
    return wrong
