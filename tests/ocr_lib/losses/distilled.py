"""Outputs of a student and a teacher, and losses between them."""

import paddle

from tests.ocr_lib.losses.part import logits, loss_of

STUDENT, TEACHER = (logits(2, 5, 6, seed=seed) for seed in (0, 1))


PAIRS = [["Student", "Teacher"]]


LABELS = {
    "label_ctc": paddle.to_tensor([[1, 2], [3, 0]], dtype="int32"),
    "length": paddle.to_tensor([2, 1]),
    "label_gtc": paddle.to_tensor([[2, 4, 5, 3, 0, 0], [2, 4, 3, 0, 0, 0]]),
}


def outputs(student=STUDENT, teacher=TEACHER):
    heads = ({"ctc": x, "nrtr": x} for x in (student, teacher))
    return {
        name: {"head_out": head, "backbone_out": head["ctc"]}
        for name, head in zip(("Student", "Teacher"), heads, strict=True)
    }


def combined(loss: str, **arguments):
    arguments = {"weight": 1.0, "key": "head_out", **arguments}
    return loss_of("CombinedLoss", loss_config_list=[{loss: arguments}])
