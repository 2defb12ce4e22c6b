"""Distances between what two networks say, against numpy."""

import numpy as np
import paddle
import pytest
from paddle.nn import functional

from ocr_lib.losses import divergence
from tests.ocr_lib.losses.part import logits, softmax

STUDENT, TEACHER = (logits(2, 5, 6, seed=seed) for seed in (0, 1))
P, Q = (softmax(x.numpy().astype(np.float64)) for x in (STUDENT, TEACHER))


def kl(target: np.ndarray, other: np.ndarray) -> np.ndarray:
    return (target * np.log(target / other)).sum(-1)


def test_divergence_is_that_of_each_distribution() -> None:
    target = functional.softmax(TEACHER)
    found = divergence.kl_divergence(functional.log_softmax(STUDENT), target)
    np.testing.assert_allclose(found.numpy(), kl(Q, P), rtol=1e-4)
    nothing = divergence.kl_divergence(paddle.log(target), target)
    np.testing.assert_allclose(nothing.numpy(), 0, atol=1e-5)


def test_a_class_that_the_target_excludes_adds_nothing() -> None:
    target = paddle.to_tensor([0.0, 1.0])
    found = divergence.kl_divergence(paddle.log(paddle.to_tensor([0.5, 0.5])), target)
    assert float(found) == pytest.approx(np.log(2))


@pytest.mark.parametrize("measure", [divergence.symmetric_kl, divergence.smoothed_kl])
def test_both_directions_count_alike(measure) -> None:
    for act in ("softmax", "sigmoid"):
        one, other = measure(STUDENT, TEACHER, act), measure(TEACHER, STUDENT, act)
        assert float(one) == pytest.approx(float(other), rel=1e-4)
        assert float(one) > 0.01
    said = functional.softmax(STUDENT), functional.softmax(TEACHER)
    softened = float(measure(STUDENT, TEACHER, "softmax"))
    assert float(measure(*said, None)) == pytest.approx(softened, rel=1e-3)


def test_symmetric_divergence_sums_steps_and_averages_the_batch() -> None:
    found = float(divergence.symmetric_kl(STUDENT, TEACHER, "softmax"))
    assert found == pytest.approx((kl(P, Q) + kl(Q, P)).sum() / 4, rel=1e-4)


def test_a_mean_counts_where_the_mask_says() -> None:
    values, mask = paddle.to_tensor([1.0, 5.0, 9.0]), paddle.to_tensor([1.0, 0.0, 1.0])
    assert float(divergence.masked_mean(values, mask)) == 5.0


def test_temperature_scales_decoupled_distillation_as_its_gradient() -> None:
    """With beta and alpha, and logits that are small, T² cancels what T took."""
    student, teacher = logits(4, 6, seed=2) * 0.01, logits(4, 6, seed=3) * 0.01
    arguments = {
        "label": paddle.to_tensor([0, 3, 5, 1]),
        "alpha": 1.0,
        "beta": 1.0,
        "mask": paddle.ones([4]),
    }
    cold = divergence.decoupled_kd(student, teacher, temperature=1.0, **arguments)
    warm = divergence.decoupled_kd(student, teacher, temperature=3.0, **arguments)
    assert float(warm) == pytest.approx(float(cold), rel=0.1)
    one = paddle.to_tensor([1.0, 0.0, 0.0, 0.0])
    masked = divergence.decoupled_kd(
        student, teacher, temperature=1.0, **{**arguments, "mask": one}
    )
    alone = divergence.decoupled_kd(
        student[:1],
        teacher[:1],
        temperature=1.0,
        **{**arguments, "mask": one[:1], "label": arguments["label"][:1]},
    )
    assert float(masked) == pytest.approx(float(alone), rel=1e-5)


def test_averages_over_columns_are_compared_with_blanks_turned_down() -> None:
    sign = np.array([-1, 1, 1, 1, 1, 1])
    p, q = (softmax(x.numpy().astype(np.float64) * sign / 0.5).mean(1) for x in (STUDENT, TEACHER))
    found = float(divergence.mean_kl(STUDENT, TEACHER))
    assert found == pytest.approx(kl(q, p).sum() / 2, rel=1e-2)
    assert float(divergence.mean_kl(STUDENT, STUDENT[:, ::-1])) == pytest.approx(0, abs=1e-4)
