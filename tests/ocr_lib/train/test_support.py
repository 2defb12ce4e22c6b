"""What the trainer does not do is refused or said, never passed over."""

import pytest

from ocr_lib.config.loader import load_config
from ocr_lib.errors import ConfigError
from ocr_lib.train.support import not_applied, refuse_untrainable


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("ch_PP-OCRv3_rec_distillation", "Architecture.Models"),
        ("rec_r34_vd_tps_bilstm_att", "Architecture.Head.name"),
        ("rec_r31_sar", "Architecture.Head.name"),
    ],
)
def test_what_cannot_be_trained_is_refused_by_key(name, key):
    with pytest.raises(ConfigError, match="not available in this version") as refused:
        refuse_untrainable(load_config(name))
    assert refused.value.where == key


@pytest.mark.parametrize(
    "name", ["cpu_line", "en_PP-OCRv3_rec", "en_PP-OCRv4_rec", "rec_icdar15_train"]
)
def test_networks_with_ctc_are_accepted(name):
    refuse_untrainable(load_config(name))


def test_wishes_that_are_not_followed_are_said():
    config = load_config("en_PP-OCRv4_rec", ["Global.use_amp=true"])
    said = list(not_applied(config))
    assert "Global.use_amp is not applied: training runs in float32" in said
    assert any("MultiScaleSampler is not applied" in sentence for sentence in said)
    assert list(not_applied(load_config("cpu_line"))) == []
