"""Label codes of the three kinds of head."""

import importlib.util
import logging
from pathlib import Path

import numpy as np
import pytest

from ocr_lib.algorithms import ALGORITHMS
from ocr_lib.config.loader import load_config
from ocr_lib.data.loading.label_encoder import LabelEncoder
from ocr_lib.text.dictionary import Charset

ABC = Charset(tuple("abc"))  # a=1, b=2, c=3 for CTC; 4 classes with the blank


def test_ctc_pads_with_blanks_to_the_longest_of_the_batch():
    arrays = LabelEncoder(ABC, 25).encode(["ab", "c"])
    np.testing.assert_array_equal(arrays["label_ctc"], [[1, 2], [3, 0]])
    np.testing.assert_array_equal(arrays["length"], [2, 1])
    assert arrays["label_ctc"].dtype == np.int32


def test_sar_marks_both_ends_and_pads():
    arrays = LabelEncoder(ABC, 6, "sar").encode(["ab"])
    np.testing.assert_array_equal(arrays["label_sar"], [[4, 0, 1, 4, 5, 5]])


def test_nrtr_marks_both_ends_and_pads():
    arrays = LabelEncoder(ABC, 6, "nrtr").encode(["ab"])
    np.testing.assert_array_equal(arrays["label_gtc"], [[2, 4, 5, 3, 0, 0]])


def test_attention_marks_both_ends_and_pads_with_the_begin():
    arrays = LabelEncoder(ABC, 6, "attention").encode(["ab"])
    np.testing.assert_array_equal(arrays["label_gtc"], [[0, 1, 2, 4, 0, 0]])


def test_without_ctc_steps_do_not_count():
    assert LabelEncoder(ABC, 9, "sar", ctc=False).usable("aab", 1) == ""
    assert LabelEncoder(ABC, 9, "sar").usable("aab", 1) == "longer than the network's time steps"


@pytest.mark.parametrize(
    ("name", "auxiliary", "ctc"),
    [
        ("rec_icdar15_train", None, True),
        ("en_PP-OCRv3_rec", "sar", True),
        ("en_PP-OCRv4_rec", "nrtr", True),
        ("ch_PP-OCRv3_rec_distillation", "sar", True),
        ("rec_r31_sar", "sar", False),
        ("rec_mtb_nrtr", "nrtr", False),
        ("rec_mv3_tps_bilstm_att", "attention", False),
    ],
)
def test_the_heads_of_a_configuration_decide(name, auxiliary, ctc):
    label_encoder = LabelEncoder.of(load_config(name), ABC)
    assert (label_encoder.auxiliary, label_encoder.ctc) == (auxiliary, ctc)


@pytest.mark.parametrize("name", ["AttnLabelEncode", "SARLabelEncode", "NRTRLabelEncode"])
def test_labels_are_those_of_paddleocrs_encoders(name):
    encoder = wheel_encoder(name)
    auxiliary = {"A": "attention", "S": "sar", "N": "nrtr"}[name[0]]
    dictionary = Charset(tuple("0123456789abcdefghijklmnopqrstuvwxyz"), lower=True)
    label_encoder = LabelEncoder(dictionary, 12, auxiliary, ctc=False)
    for text in ("a", "Hello 42", "0123456789", "q" * 9):
        expected = encoder(12)({"label": text})
        array = label_encoder.encode([text])[ALGORITHMS[auxiliary].target]
        np.testing.assert_array_equal(array[0], expected["label"])
        assert label_encoder.usable(text, 0) == ""
    assert encoder(12)({"label": "a" * 12}) is None
    assert label_encoder.usable("a" * 12, 0) == "longer than max_text_length"


def wheel_encoder(name):
    """One encoder of PaddleOCR's wheel, without the packages that the rest of it needs."""
    wheel = importlib.util.find_spec("paddleocr")
    if wheel is None or wheel.origin is None:
        pytest.skip("paddleocr is not installed")
    source = (Path(wheel.origin).parent / "ppocr/data/imaug/label_ops.py").read_text("utf-8")
    space = {"np": np, "get_logger": lambda: logging.getLogger("wheel")}
    for part in ("BaseRecLabelEncode", name):
        begin = source.index(f"class {part}(")
        exec(source[begin : source.index("\nclass ", begin)], space)
    return space[name]


@pytest.mark.parametrize(
    ("label", "steps", "reason"),
    [
        ("ab", 2, ""),
        ("", 9, "empty"),
        ("??", 9, "empty"),  # nothing that the dictionary has
        ("abcabc", 9, "longer than max_text_length"),
        ("aab", 3, "longer than the network's time steps"),  # a blank between the two a
        ("aab", 4, ""),
    ],
)
def test_usable_says_why_not(label, steps, reason):
    assert LabelEncoder(ABC, 5).usable(label, steps) == reason


@pytest.mark.parametrize("auxiliary", ["sar", "nrtr", "attention"])
def test_an_auxiliary_head_needs_room_for_its_marks(auxiliary):
    label_encoder = LabelEncoder(ABC, 5, auxiliary)
    assert label_encoder.usable("abca", 9) == "longer than max_text_length"
    assert label_encoder.usable("abc", 9) == ""
    label_encoder.encode(["abc"])  # the longest usable label fits, its end mark included
