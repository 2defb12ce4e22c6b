import importlib.metadata
import importlib.util
import itertools
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.errors import DictionaryError
from ocr_lib.text.ctc import decode, min_steps
from ocr_lib.text.dictionary import Charset, load_dictionary
from ocr_lib.text.recognition import Recognition

DICTIONARY = Charset(("a", "b", "c"))


def one_hot(ids, score=0.9):
    probs = np.full((1, len(ids), 4), (1 - score) / 3, np.float32)
    probs[0, range(len(ids)), ids] = score
    return probs


def test_repeats_merge_and_blanks_go():
    (read,) = decode(one_hot([0, 1, 1, 0, 1, 2, 2, 0]), DICTIONARY)
    assert read.text == "aab"
    assert read.score == pytest.approx(0.9)
    assert read.char_scores == pytest.approx((0.9, 0.9, 0.9))


def test_score_is_the_mean_of_the_first_step_of_each_character():
    probs = np.concatenate([one_hot([1], 0.5), one_hot([1], 0.9), one_hot([3], 0.7)], axis=1)
    (read,) = decode(probs, DICTIONARY)
    assert read.text == "ac"
    assert read.char_scores == pytest.approx((0.5, 0.7))
    assert read.score == pytest.approx(0.6)


def test_nothing_read():
    assert decode(one_hot([0, 0]), DICTIONARY) == [Recognition("", 0.0, ())]
    assert decode(np.zeros((0, 5, 4), np.float32), DICTIONARY) == []


def test_another_number_of_classes_is_refused():
    with pytest.raises(DictionaryError, match="3 classes"):
        decode(one_hot([1]), Charset(("a", "b")))


def batches():
    shapes = st.tuples(st.integers(1, 4), st.integers(1, 12), st.integers(0, 2**32 - 1))
    return shapes.map(lambda s: np.random.default_rng(s[2]).random((s[0], s[1], 4), np.float32))


@given(batches())
def test_equals_the_definition(probs):
    for read, row in zip(decode(probs, DICTIONARY), probs, strict=True):
        ids = [int(i) for i in row.argmax(axis=1)]
        merged = [next(group) for _, group in itertools.groupby(enumerate(ids), lambda p: p[1])]
        kept = [(t, i) for t, i in merged if i]
        assert read.text == "".join("abc"[i - 1] for _, i in kept)
        assert read.char_scores == tuple(float(row[t, i]) for t, i in kept)


@given(batches())
def test_text_does_not_depend_on_batch_mates(probs):
    alone = [decode(row[None], DICTIONARY)[0] for row in probs]
    assert decode(probs, DICTIONARY) == alone


@pytest.fixture(scope="module")
def paddleocr_decoder():
    """CTCLabelDecode of PaddleOCR's wheel, loaded from its file."""
    try:
        wheel = importlib.metadata.distribution("paddleocr")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("the wheel paddleocr is not installed")
    root = Path(str(wheel.locate_file("paddleocr/ppocr")))
    spec = importlib.util.spec_from_file_location("oracle", root / "postprocess/rec_postprocess.py")
    oracle = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("paddle")
        spec.loader.exec_module(oracle)
    return lambda name, space: oracle.CTCLabelDecode(str(root / "utils" / name), space)


@pytest.mark.parametrize("name", ["en_dict.txt", "dict/german_dict.txt", "dict/bn_dict.txt"])
def test_equals_paddleocr(paddleocr_decoder, name):
    dictionary = load_dictionary(f"ppocr/utils/{name}", use_space_char=True)
    rng = np.random.default_rng(1)
    probs = rng.random((16, 40, dictionary.num_classes), np.float32)
    probs[..., 0] += rng.random((16, 40)) < 0.3
    probs[0] = one_hot([0] * 40).repeat(dictionary.num_classes, axis=2)[..., ::4]
    expected = paddleocr_decoder(name, True)(probs)
    ours = decode(probs, dictionary)
    assert [(read.text, read.score) for read in ours] == expected


def test_min_steps_counts_a_blank_between_repeats():
    assert min_steps([]) == 0
    assert min_steps([1, 2, 3]) == 3
    assert min_steps([1, 1, 1, 2, 2]) == 8


@pytest.mark.parametrize("text", ["سعر", "خصم على السعر", "قال 12", "شركة ABC"])
def test_arabic_words_equal_paddleocrs_and_numbers_keep_their_space(paddleocr_decoder, text):
    """PaddleOCR turns runs of letters and signs, without the rules for what stands in between."""
    name = "dict/arabic_dict.txt"
    dictionary = load_dictionary(f"ppocr/utils/{name}", use_space_char=True)
    probs = np.zeros((1, 2 * len(text), dictionary.num_classes), np.float32)
    probs[0, range(0, 2 * len(text), 2), dictionary.encode(text)] = 1
    probs[0, range(1, 2 * len(text), 2), 0] = 1
    assert decode(probs, dictionary)[0].text == text
    ((theirs, _),) = paddleocr_decoder(name, True)(probs)
    assert theirs.replace(" ", "") == text.replace(" ", "")
