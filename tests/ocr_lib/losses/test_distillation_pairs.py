"""Losses between a student and its teacher."""

import numpy as np
import paddle
import pytest

from tests.ocr_lib.losses.distilled import LABELS, PAIRS, STUDENT, TEACHER, combined, outputs
from tests.ocr_lib.losses.part import softmax


def kl(target: np.ndarray, other: np.ndarray) -> np.ndarray:
    return (target * np.log(target / other)).sum(-1)


P, Q = (softmax(x.numpy().astype(np.float64)) for x in (STUDENT, TEACHER))


def test_mutual_learning_is_the_mean_of_both_divergences() -> None:
    loss = combined(
        "DistillationDMLLoss",
        model_name_pairs=PAIRS,
        act="softmax",
        use_log=True,
        multi_head=True,
        name="dml_ctc",
        weight=0.5,
    )
    losses = loss(outputs(), LABELS)
    expected = 0.5 * (kl(P, Q) + kl(Q, P)).sum() / 2 / 2
    assert set(losses) == {"dml_ctc_0", "loss"}
    assert float(losses["loss"]) == pytest.approx(expected, rel=1e-5)
    assert float(loss(outputs(STUDENT, STUDENT), LABELS)["loss"]) == pytest.approx(0.0, abs=1e-6)


def test_smoothed_mutual_learning_of_equals_is_nothing() -> None:
    loss = combined(
        "DistillationDMLLoss", model_name_pairs=PAIRS[0], act="softmax", multi_head=True
    )
    assert float(loss(outputs(), LABELS)["loss"]) > 0.01
    assert float(loss(outputs(STUDENT, STUDENT), LABELS)["loss"]) == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize(
    ("mode", "distance"), [("l1", np.abs), ("l2", np.square), ("smooth_l1", None)]
)
def test_distance_of_features(mode, distance) -> None:
    loss = combined(
        "DistillationDistanceLoss", mode=mode, model_name_pairs=PAIRS, key="backbone_out"
    )
    losses = loss(outputs(), LABELS)
    difference = STUDENT.numpy() - TEACHER.numpy()
    if distance is None:
        size = np.abs(difference)
        expected = np.where(size < 1, 0.5 * size**2, size - 0.5).mean()
    else:
        expected = distance(difference).mean()
    assert float(losses["loss_distance_l2_Student_Teacher_0"]) == pytest.approx(expected, rel=1e-5)


def test_divergence_from_the_teacher_counts_tokens() -> None:
    loss = combined(
        "DistillationKLDivLoss", model_name_pairs=PAIRS, multi_head=True, dis_head="gtc"
    )
    divergence = kl(Q, P)
    expected = np.concatenate([divergence[0, :3], divergence[1, :2]]).mean()
    assert float(loss(outputs(), LABELS)["kl_div_0"]) == pytest.approx(expected, rel=1e-4)


def test_decoupled_distillation_splits_the_divergence() -> None:
    """KL(teacher, student) = target part + (1 - teacher's probability of the target) · rest."""
    parts = {}
    for name, alpha, beta in (("target", 1.0, 0.0), ("rest", 0.0, 1.0)):
        loss = combined(
            "DistillationDKDLoss",
            model_name_pairs=PAIRS,
            multi_head=True,
            dis_head="nrtr",
            alpha=alpha,
            beta=beta,
        )
        one = {"label_gtc": paddle.to_tensor([[2, 4]])}
        x, y = STUDENT[:1, :1], TEACHER[:1, :1]
        parts[name] = float(loss(outputs(x, y), one)["dkd_0"])
    whole = kl(Q, P)[0, 0]
    assert parts["target"] + (1 - Q[0, 0, 4]) * parts["rest"] == pytest.approx(whole, rel=1e-4)


def test_decoupled_distillation_ends_with_the_longest_label() -> None:
    loss = combined("DistillationDKDLoss", model_name_pairs=PAIRS, multi_head=True, dis_head="nrtr")
    expected = float(loss(outputs(), LABELS)["loss"])
    cut = {**LABELS, "label_gtc": LABELS["label_gtc"][:, :4]}
    shorter = outputs(STUDENT[:, :3], TEACHER[:, :3])
    assert float(loss(shorter, cut)["loss"]) == pytest.approx(expected, rel=1e-5)


def test_ctc_logits_are_compared_on_average() -> None:
    loss = combined("DistillCTCLogits", model_name_pairs=PAIRS)
    assert float(loss(outputs(), LABELS)["ctc_logits_0"]) > 0.01
    mixed = outputs(STUDENT, STUDENT[:, ::-1])
    assert float(loss(mixed, LABELS)["loss"]) == pytest.approx(0.0, abs=1e-4)
