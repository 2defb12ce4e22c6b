import importlib.metadata
import importlib.util
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.errors import DictionaryError
from ocr_lib.text.dictionary import Charset
from ocr_lib.text.sequence import (
    Coding,
    attention_coding,
    decode,
    nrtr_coding,
    sar_coding,
)

DICTIONARY = Charset(tuple("abcdefgh"))
CODINGS = [attention_coding, sar_coding, nrtr_coding]
LENGTH = 12

codings = pytest.mark.parametrize("make_coding", CODINGS)


def one_hot(ids: list[list[int]], classes: int) -> np.ndarray:
    """Probabilities that say `ids`; a class beyond the outputs is said by none."""
    probs = np.full((len(ids), len(ids[0]), classes + 2), 0.01, np.float32)
    np.put_along_axis(probs, np.array(ids)[..., None], 0.9, axis=2)
    return probs[..., :classes]


@codings
@given(text=st.text("abcdefgh", max_size=LENGTH - 2))
def test_a_label_reads_back_as_its_text(make_coding: Callable[[int], Coding], text: str) -> None:
    coding = make_coding(DICTIONARY.num_classes)
    label = coding.encode(DICTIONARY.encode(text), LENGTH)
    assert len(label) == LENGTH
    (read,) = decode(one_hot([label[1:]], coding.classes), DICTIONARY, coding)
    assert read.text == text
    assert len(read.char_scores) == len(text)
    assert read.score == pytest.approx(0.9 if text else 0.0)


@codings
def test_what_follows_the_end_is_not_read(make_coding: Callable[[int], Coding]) -> None:
    coding = make_coding(DICTIONARY.num_classes)
    said = [i + coding.shift for i in DICTIONARY.encode("abc")]
    (read,) = decode(
        one_hot([[*said[:2], coding.end, said[2]]], coding.classes), DICTIONARY, coding
    )
    assert read.text == "ab"


@codings
def test_a_label_that_does_not_fit_is_refused(make_coding: Callable[[int], Coding]) -> None:
    with pytest.raises(DictionaryError, match="exceeds 4"):
        make_coding(9).encode([1, 2, 3], 4)


@codings
def test_outputs_of_another_dictionary_are_refused(make_coding: Callable[[int], Coding]) -> None:
    coding = make_coding(DICTIONARY.num_classes)
    with pytest.raises(DictionaryError, match="dictionary makes"):
        decode(np.zeros((1, 3, coding.classes + 1), np.float32), DICTIONARY, coding)


@pytest.fixture(scope="module")
def oracle() -> ModuleType:
    pytest.importorskip("paddle")
    try:
        root = Path(str(importlib.metadata.distribution("paddleocr").locate_file("paddleocr")))
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("needs PaddleOCR's wheel")
    path = root / "ppocr/postprocess/rec_postprocess.py"
    spec = importlib.util.spec_from_file_location("oracle", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spec.loader.exec_module(module)
    return module


@given(seed=st.integers(0, 2**32 - 1))
def test_attention_and_sar_read_what_paddleocr_reads(oracle: ModuleType, seed: int) -> None:
    dictionary = Charset(tuple("0123456789abcdefghijklmnopqrstuvwxyz"), lower=True)
    rng = np.random.default_rng(seed)
    for make_coding, theirs in (
        (attention_coding, oracle.AttnLabelDecode()),
        (sar_coding, oracle.SARLabelDecode()),
    ):
        coding = make_coding(dictionary.num_classes)
        logits = rng.normal(0, 3, (3, 8, coding.classes))
        # Special symbols inside a text are spelt out by PaddleOCR, and left out here.
        special = [0] if coding.shift == 0 else [dictionary.num_classes - 1]
        logits[..., special] = -9
        logits[:, 0, coding.end] = -9
        logits[..., coding.end] += 2
        # PaddleOCR's attention decoder reads on after the end: let the end follow the end.
        ended = np.cumsum(logits.argmax(-1) == coding.end, axis=1) > 0
        logits[..., coding.end] += 99 * ended
        probs = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
        probs = probs.astype(np.float32)
        expected = theirs(probs)
        for ours, (text, score) in zip(decode(probs, dictionary, coding), expected, strict=True):
            assert ours.text == text
            if text:
                assert ours.score == pytest.approx(float(score), rel=1e-5)
