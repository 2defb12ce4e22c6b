"""Losses of several networks against the label."""

import pytest

from tests.ocr_lib.losses.distilled import LABELS, STUDENT, combined, outputs
from tests.ocr_lib.losses.part import loss_of


def test_each_network_learns_its_label() -> None:
    models = {"model_name_list": ["Student", "Teacher"], "multi_head": True}
    loss = loss_of(
        "CombinedLoss",
        loss_config_list=[
            {"DistillationCTCLoss": {"weight": 1.0, "key": "head_out", **models}},
            {"DistillationNRTRLoss": {"weight": 2.0, "key": "head_out", **models}},
        ],
    )
    losses = loss(outputs(), LABELS)
    names = [
        "loss_ctc_Student_0",
        "loss_ctc_Teacher_1",
        "loss_nrtr_Student_0",
        "loss_nrtr_Teacher_1",
    ]
    assert sorted(losses) == sorted([*names, "loss"])
    assert float(losses["loss"]) == pytest.approx(sum(float(losses[n]) for n in names), rel=1e-6)
    alone = loss_of("NRTRLoss")(STUDENT, LABELS)["loss"]
    assert float(losses["loss_nrtr_Student_0"]) == pytest.approx(2 * float(alone))


def test_networks_with_one_head_need_no_head_name() -> None:
    loss = combined("DistillationCTCLoss", model_name_list=["Student"])
    plain = {"Student": {"head_out": STUDENT}}
    assert float(loss(plain, LABELS)["loss"]) == pytest.approx(
        float(loss_of("CTCLoss")(STUDENT, LABELS)["loss"])
    )
