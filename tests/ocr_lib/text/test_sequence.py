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
    TokenIds,
    attention_ids,
    decode,
    nrtr_ids,
    sar_ids,
)

DICTIONARY = Charset(tuple("abcdefgh"))
SCHEMES = [attention_ids, sar_ids, nrtr_ids]
LENGTH = 12

schemes = pytest.mark.parametrize("make_ids", SCHEMES)


def one_hot(ids: list[list[int]], classes: int) -> np.ndarray:
    """Probabilities that say `ids`; a class beyond the outputs is said by none."""
    probs = np.full((len(ids), len(ids[0]), classes + 2), 0.01, np.float32)
    np.put_along_axis(probs, np.array(ids)[..., None], 0.9, axis=2)
    return probs[..., :classes]


@schemes
@given(text=st.text("abcdefgh", max_size=LENGTH - 2))
def test_a_label_reads_back_as_its_text(make_ids: Callable[[int], TokenIds], text: str) -> None:
    token_ids = make_ids(DICTIONARY.num_classes)
    label = token_ids.encode(DICTIONARY.encode(text), LENGTH)
    assert len(label) == LENGTH
    (read,) = decode(one_hot([label[1:]], token_ids.classes), DICTIONARY, token_ids)
    assert read.text == text
    assert len(read.char_scores) == len(text)
    assert read.score == pytest.approx(0.9 if text else 0.0)


@schemes
def test_what_follows_the_end_is_not_read(make_ids: Callable[[int], TokenIds]) -> None:
    token_ids = make_ids(DICTIONARY.num_classes)
    said = [i + token_ids.shift for i in DICTIONARY.encode("abc")]
    (read,) = decode(
        one_hot([[*said[:2], token_ids.end, said[2]]], token_ids.classes), DICTIONARY, token_ids
    )
    assert read.text == "ab"


@schemes
def test_a_label_that_does_not_fit_is_refused(make_ids: Callable[[int], TokenIds]) -> None:
    with pytest.raises(DictionaryError, match="exceeds 4"):
        make_ids(9).encode([1, 2, 3], 4)


@schemes
def test_outputs_of_another_dictionary_are_refused(make_ids: Callable[[int], TokenIds]) -> None:
    token_ids = make_ids(DICTIONARY.num_classes)
    with pytest.raises(DictionaryError, match="dictionary makes"):
        decode(np.zeros((1, 3, token_ids.classes + 1), np.float32), DICTIONARY, token_ids)


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
    for make_ids, theirs in (
        (attention_ids, oracle.AttnLabelDecode()),
        (sar_ids, oracle.SARLabelDecode()),
    ):
        token_ids = make_ids(dictionary.num_classes)
        logits = rng.normal(0, 3, (3, 8, token_ids.classes))
        # Special symbols inside a text are spelt out by PaddleOCR, and left out here.
        special = [0] if token_ids.shift == 0 else [dictionary.num_classes - 1]
        logits[..., special] = -9
        logits[:, 0, token_ids.end] = -9
        logits[..., token_ids.end] += 2
        # PaddleOCR's attention decoder reads on after the end: let the end follow the end.
        ended = np.cumsum(logits.argmax(-1) == token_ids.end, axis=1) > 0
        logits[..., token_ids.end] += 99 * ended
        probs = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
        probs = probs.astype(np.float32)
        expected = theirs(probs)
        for ours, (text, score) in zip(decode(probs, dictionary, token_ids), expected, strict=True):
            assert ours.text == text
            if text:
                assert ours.score == pytest.approx(float(score), rel=1e-5)
