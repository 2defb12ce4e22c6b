"""Each argument of a loss changes what it computes, or what its parts are called."""

import math
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import paddle
import pytest

from ocr_lib.config.location import SourceLocation
from ocr_lib.losses.combined import CombinedLoss
from ocr_lib.losses.ctc import CTCLoss
from ocr_lib.losses.distillation_labels import (
    DistillationCTCLoss,
    DistillationNRTRLoss,
    DistillationSARLoss,
)
from ocr_lib.losses.distillation_pairs import (
    DistillationDistanceLoss,
    DistillationDKDLoss,
    DistillationDMLLoss,
    DistillationKLDivLoss,
    DistillCTCLogits,
)
from ocr_lib.losses.enhanced_ctc import CenterLoss, EnhancedCTCLoss
from ocr_lib.losses.multi import MultiLoss
from ocr_lib.losses.nrtr import CELoss, NRTRLoss
from ocr_lib.losses.sar import SARLoss
from ocr_lib.models.parts import build
from tests.ocr_lib.config.key_effects import Given, Refused, Row, check, parameters
from tests.ocr_lib.losses.part import logits

SAMPLES, STEPS, CLASSES, WIDTH = 2, 5, 7, 3
LABELS = {
    "label_ctc": paddle.to_tensor([[1, 2, 2], [3, 0, 0]]),
    "length": paddle.to_tensor([3, 1]),
    "label_gtc": paddle.to_tensor([[2, 4, 5, 3, 0, 0], [2, 4, 3, 0, 0, 0]]),
}


def scores(seed: int, steps: int = STEPS) -> paddle.Tensor:
    """Probabilities, which are logits of other probabilities, too."""
    return paddle.nn.functional.softmax(logits(SAMPLES, steps, CLASSES, seed=seed))


def multi_head(seed: int) -> dict[str, Any]:
    return {
        "ctc": scores(seed),
        "sar": scores(seed + 1, STEPS + 1),
        "nrtr": scores(seed + 2),
    }


def stages(seed: int) -> dict[str, Any]:
    return {
        "backbone_out": scores(seed),
        "neck_out": scores(seed + 1),
        "head_out": multi_head(seed + 2),
    }


NAMES = ("Student", "Teacher", "Other")
STAGES = {name: stages(10 * i) for i, name in enumerate(NAMES)}
HEADS = {name: multi_head(10 * i) for i, name in enumerate(NAMES)}
SINGLE = {name: scores(i) for i, name in enumerate(NAMES)}


def built(part: Any, arguments: dict[str, Any]) -> Any:
    paddle.seed(0)
    return build(part, arguments, SourceLocation(("Loss",), {}))


def loss(part: Any, arguments: dict[str, Any], outputs: Any) -> Any:
    return values_of(built(part, arguments), outputs)


def values_of(layer: Any, outputs: Any) -> Any:
    values = {name: float(value) for name, value in layer(outputs, LABELS).items()}
    assert all(map(math.isfinite, values.values())), values
    return values, [buffer.shape for buffer in layer.buffers()]


def of_networks(part: Any, arguments: dict[str, Any]) -> Any:
    """Of networks with multi-heads and of others; the arguments fit one of the two."""
    layer, results = built(part, arguments), []
    for networks in (HEADS, SINGLE):
        try:
            results.append(values_of(layer, networks))
        except (ValueError, AttributeError, TypeError) as error:
            results.append(type(error))
    assert any(isinstance(result, tuple) for result in results)
    return results


def with_features(part: Any, arguments: dict[str, Any]) -> Any:
    """CTC with the features before it, and a file of centers where one is named."""
    shape = arguments["num_classes"], arguments["feat_dim"]
    features = logits(SAMPLES, STEPS, arguments["feat_dim"], seed=1)
    with tempfile.TemporaryDirectory() as folder:
        if name := arguments.get("center_file_path"):
            arguments = {**arguments, "center_file_path": str(Path(folder) / name)}
            np.save(Path(folder) / name, np.full(shape, float(len(name))))
        return loss(part, arguments, (features, scores(0)))


on_scores = partial(loss, outputs=scores(0))
on_stages = partial(loss, outputs=STAGES)
ONE = {"model_name_list": ["Student"]}
PAIR = {"model_name_pairs": [["Student", "Teacher"]]}
OTHER_PAIR = [["Student", "Other"]]
MULTI = {"multi_head": True}
PARTS = [{"CTCLoss": None}, {"NRTRLoss": None}]
CENTERS = {
    "num_classes": CLASSES + 1,
    "feat_dim": WIDTH + 1,
    "init_center": Given(True, {"center_file_path": "centers.npy"}),
    "center_file_path": Given(
        "others.npy", {"center_file_path": "centers.npy", "init_center": True}
    ),
}


def head_pair(part: Any, **keys: Any) -> list[Row]:
    """The keys that losses between two heads have in common, and those of one of them."""
    shared = {"model_name_pairs": OTHER_PAIR, "name": "loss", "dis_head": "nrtr"}
    return [
        Row(part, of_networks, {**PAIR, **MULTI}, {**shared, **keys}),
        Row(part, of_networks, PAIR, MULTI),
    ]


TABLE = [
    Row(CTCLoss, on_scores, {}, {"use_focal_loss": True}),
    Row(NRTRLoss, on_scores, {}, {"smoothing": False}),
    Row(
        CELoss,
        on_scores,
        {},
        {"smoothing": True, "with_all": Refused(True), "ignore_index": 0},
    ),
    Row(SARLoss, partial(loss, outputs=scores(0, STEPS + 1)), {}, {"ignore_index": 3}),
    Row(
        MultiLoss,
        partial(loss, outputs=multi_head(0)),
        {"loss_config_list": PARTS},
        {
            "loss_config_list": [{"CTCLoss": None}, {"SARLoss": None}],
            "weight_1": 0.5,
            "weight_2": 0.5,
        },
    ),
    Row(
        CombinedLoss,
        on_scores,
        {"loss_config_list": [{"CTCLoss": {"weight": 1.0}}]},
        {"loss_config_list": [{"CTCLoss": {"weight": 2.0}}]},
    ),
    Row(
        EnhancedCTCLoss,
        with_features,
        {"num_classes": CLASSES, "feat_dim": WIDTH},
        {
            "use_focal_loss": True,
            "use_ace_loss": True,
            "ace_loss_weight": Given(0.5, {"use_ace_loss": True}),
            "use_center_loss": True,
            "center_loss_weight": Given(0.5, {"use_center_loss": True}),
        },
    ),
    Row(
        EnhancedCTCLoss,
        with_features,
        {"num_classes": CLASSES, "feat_dim": WIDTH, "use_center_loss": True},
        CENTERS,
    ),
    Row(CenterLoss, with_features, {"num_classes": CLASSES, "feat_dim": WIDTH}, CENTERS),
    Row(
        DistillationCTCLoss,
        of_networks,
        ONE,
        {"model_name_list": ["Teacher"], "name": "loss", "multi_head": True},
    ),
    Row(DistillationCTCLoss, on_stages, {**ONE, "key": "backbone_out"}, {"key": "neck_out"}),
    Row(DistillationSARLoss, of_networks, {**ONE, **MULTI}, {"ignore_index": 3, "name": "loss"}),
    Row(DistillationNRTRLoss, of_networks, {**ONE, **MULTI}, {"smoothing": False, "name": "loss"}),
    *head_pair(DistillationDMLLoss, act="softmax", use_log=True),
    *head_pair(DistillationKLDivLoss),
    *head_pair(DistillationDKDLoss, temperature=2.0, alpha=0.5, beta=0.5),
    Row(
        DistillationDistanceLoss,
        on_stages,
        {**PAIR, "key": "backbone_out"},
        {"model_name_pairs": OTHER_PAIR, "key": "neck_out", "name": "loss", "mode": "l1"},
    ),
    Row(
        DistillCTCLogits,
        of_networks,
        PAIR,
        {"model_name_pairs": OTHER_PAIR, "name": "loss", "reduction": Refused("sum")},
    ),
]


@pytest.mark.parametrize(("row", "key"), parameters(TABLE))
def test_another_value_makes_another_loss(row: Row, key: str) -> None:
    check(row, key)
