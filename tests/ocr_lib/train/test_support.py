"""What the trainer does not do is refused or said, never passed over."""

import pytest

from ocr_lib.config.loader import load_config
from ocr_lib.errors import ConfigError
from ocr_lib.train.support import refuse_untrainable


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
