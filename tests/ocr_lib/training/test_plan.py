"""Every shipped configuration is trained; what would learn something else is refused by name."""

import pytest

from ocr_lib.config.loader import load_config
from ocr_lib.config.shipped import shipped_configs
from ocr_lib.errors import ConfigError
from ocr_lib.training.plan import resolve

DECODED = {
    "rec_r31_sar": "sar",
    "rec_mtb_nrtr": "nrtr",
    "rec_r34_vd_tps_bilstm_att": "attention",
    "rec_mv3_tps_bilstm_att": "attention",
}


@pytest.mark.parametrize("name", shipped_configs())
def test_shipped_configurations_are_accepted(name):
    config = load_config(name)
    plan = resolve(config)
    assert plan.algorithm.name == DECODED.get(name, "ctc")
    assert plan.reading_network == ("Student" if "distillation" in name else "")


@pytest.mark.parametrize(
    ("name", "option", "where"),
    [
        ("rec_r31_sar", "Global.max_text_length=40", "Architecture.Head.max_text_length"),
        ("rec_r31_sar", "PostProcess.name=CTCLabelDecode", "PostProcess.name"),
        ("en_PP-OCRv3_rec", "PostProcess.name=SARLabelDecode", "PostProcess.name"),
        ("rec_mtb_nrtr", "Global.max_text_length=26", "Architecture.Head.max_len"),
        ("ch_PP-OCRv3_rec_distillation", "Metric.key=Pupil", "Metric.key"),
    ],
)
def test_what_does_not_fit_is_refused_by_key(name, option, where):
    with pytest.raises(ConfigError) as refused:
        resolve(load_config(name, [option]))
    assert refused.value.where.endswith(where)
