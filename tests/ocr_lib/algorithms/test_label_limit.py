"""What a label may be is said once, and holds in the tokenizer, in training and in preflight."""

import pytest

from ocr_lib.algorithms.label_limit import LabelLimit, label_limit, taught_algorithms
from ocr_lib.config.loader import load_config
from ocr_lib.config.shipped import shipped_configs
from ocr_lib.data.loading.label_encoder import LabelEncoder
from ocr_lib.errors import ConfigError, DictionaryError
from ocr_lib.text.dictionary import Charset

MARKS = {
    "rec_mv3_none_bilstm_ctc": 0,  # CTC alone
    "rec_svtrnet": 0,
    "en_PP-OCRv3_rec": 2,  # CTC and SAR
    "PP-OCRv5_mobile_rec": 2,  # CTC and NRTR
    "rec_r31_sar": 2,
    "rec_mtb_nrtr": 2,
    "rec_mv3_tps_bilstm_att": 2,
    "ch_PP-OCRv3_rec_distillation": 2,
}


@pytest.mark.parametrize(("name", "marks"), MARKS.items())
def test_the_limit_is_what_the_tokenizers_hold(name: str, marks: int) -> None:
    config = load_config(name)
    limit = label_limit(config)
    length = config.global_.max_text_length
    assert (limit.characters, limit.marks) == (length - marks, marks)
    encoder = LabelEncoder.of(config, Charset(("a", "b")))
    fits, too_long = ("ab" * length)[: limit.characters], ("ab" * length)[: limit.characters + 1]
    assert encoder.usable(fits, 10 * length) == ""
    assert encoder.usable(too_long, 10 * length) == "longer than max_text_length"
    encoder.encode([fits])
    if marks:
        with pytest.raises(DictionaryError, match="exceeds"):
            encoder.encode([too_long])


@pytest.mark.parametrize("name", shipped_configs())
def test_shipped_configurations_have_a_limit(name: str) -> None:
    config = load_config(name)
    assert label_limit(config).characters > 0
    assert taught_algorithms(config)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("en_PP-OCRv3_rec", 31), ("rec_r31_sar", 44), ("rec_mv3_tps_bilstm_att", 9)],
)
def test_the_fix_names_the_numbers_that_work(name: str, wanted: int) -> None:
    limit = label_limit(load_config(name))
    number = wanted + 2
    fix = limit.fix(wanted)
    assert f" to {number} (2 more than the label" in fix
    keys = [word for word in fix.split() if "." in word]
    assert keys[0] == "Global.max_text_length"
    raised = load_config(name, [f"{key}={number}" for key in keys])
    assert label_limit(raised).characters == wanted


def test_a_ctc_head_needs_no_more_than_the_label() -> None:
    fix = label_limit(load_config("rec_svtrnet")).fix(40)
    assert fix == "Set Global.max_text_length to 40"


@pytest.mark.parametrize(
    ("name", "option", "where", "fix"),
    [
        ("rec_mv3_tps_bilstm_att", "Global.max_text_length=7", "Head.max_text_length", "Write 7"),
        ("rec_mtb_nrtr", "Global.max_text_length=60", "Head.max_len", "Write 60"),
        ("rec_r31_sar", "Global.max_text_length=2", "Global.max_text_length", "and 2 more"),
    ],
)
def test_what_no_label_fits_is_refused_by_key(name: str, option: str, where: str, fix: str) -> None:
    with pytest.raises(ConfigError) as refused:
        label_limit(load_config(name, [option]))
    assert refused.value.where.endswith(where)
    assert fix in refused.value.fix


def test_in_words() -> None:
    assert LabelLimit(25, 0).describe() == "up to 25 characters: Global.max_text_length is 25"
    assert "up to 23 characters" in LabelLimit(25, 2).describe()
