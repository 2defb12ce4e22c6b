"""One configuration of each family against compact facts measured with PaddleOCR.

The whole reference, if at hand, is checked by tests/compat; `tests.compat.compact` wrote this file.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import paddle
import pytest

from ocr_lib.config.loader import load_config
from ocr_lib.losses import build_loss
from ocr_lib.models import build_model
from ocr_lib.text.sequence import nrtr_ids, sar_ids
from tests.compat.compact import probe, shapes_digest
from tests.compat.rule import rule_input, set_rule_weights, switch_off_dropout

FACTS = json.loads((Path(__file__).parent / "facts.json").read_text())
BIG = {
    "PP-OCRv6_medium_rec",
    "ch_PP-OCRv3_rec_distillation",
    "ch_PP-OCRv4_rec_hgnet",
    "en_PP-OCRv4_rec",
    "rec_r31_sar",
    "rec_r34_vd_none_bilstm_ctc",
    "rec_r34_vd_tps_bilstm_att",
}
LABEL_LENGTH = 25


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow if n in BIG else ()) for n in FACTS]
)
def test_a_network_computes_what_paddleocr_computes(name: str) -> None:
    facts, config = FACTS[name], load_config(name)
    model = build_model(config.architecture, facts["classes"])
    state = {key: tensor.shape for key, tensor in model.state_dict().items()}
    assert (len(state), shapes_digest(state)) == (facts["parameters"], facts["digest"])

    set_rule_weights(model)
    images = paddle.to_tensor(rule_input(facts["image_shape"]))
    check_outputs(model, images, facts["outputs"])
    if "losses" in facts:
        model.train()
        switch_off_dropout(model)
        batch = label_batch(facts, config.architecture)
        with paddle.no_grad():
            losses = build_loss(config.loss)(model(images, batch), batch)
        for key, value in facts["losses"].items():
            tolerance = 1e-3 if "sar" in key.lower() else 1e-4
            assert float(losses[key]) == pytest.approx(value, rel=tolerance), key


def check_outputs(model: paddle.nn.Layer, images: paddle.Tensor, outputs: dict[str, Any]) -> None:
    model.eval()
    with paddle.no_grad():
        output = model(images)
    for name, facts in outputs.items():
        probs = (output if name == "out" else output[name]).numpy()
        assert list(probs.shape) == facts["shape"]
        np.testing.assert_allclose(probe(probs.max(-1)), facts["probe"], rtol=1e-4)


def label_batch(facts: dict[str, Any], architecture: dict[str, Any]) -> dict[str, paddle.Tensor]:
    labels = facts["labels"]
    ctc = [[*ids, *[0] * (LABEL_LENGTH - len(ids))] for ids in labels]
    token_ids = (nrtr_ids if "NRTRHead" in str(architecture) else sar_ids)(facts["classes"])
    guide = [token_ids.encode(ids, LABEL_LENGTH) for ids in labels]
    if "AttentionHead" in str(architecture):  # the reference has no label of its own for it
        guide = ctc
    return {
        "label_ctc": paddle.to_tensor(ctc, dtype="int32"),
        "label_gtc": paddle.to_tensor(guide, dtype="int64"),
        "length": paddle.to_tensor([len(ids) for ids in labels], dtype="int64"),
        "valid_ratio": paddle.to_tensor([1.0, 0.6], dtype="float32"),
    }
