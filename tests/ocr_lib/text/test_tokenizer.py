"""Labels to ids and back, for each family of heads."""

import numpy as np
import pytest

from ocr_lib.errors import DictionaryError
from ocr_lib.text.dictionary import Charset
from ocr_lib.text.sequence import attention_ids, nrtr_ids, sar_ids
from ocr_lib.text.tokenizer import CTCTokenizer, SequenceTokenizer

LETTERS = Charset(tuple("abcé"))
TEXTS = ("ab", "cé", "a", "aabb")
SCHEMES = [attention_ids, nrtr_ids, sar_ids]


def ids() -> list[list[int]]:
    return [LETTERS.encode(text) for text in TEXTS]


def test_ctc_pads_with_blanks_to_the_longest() -> None:
    encoded = CTCTokenizer().encode(ids(), 9, LETTERS)
    assert encoded.dtype == np.int32
    assert encoded.tolist() == [[1, 2, 0, 0], [3, 4, 0, 0], [1, 0, 0, 0], [1, 1, 2, 2]]
    assert CTCTokenizer().marks == 0


def test_ctc_reads_back_what_one_step_a_class_and_a_blank_between_say() -> None:
    probs = np.zeros((len(TEXTS), 8, LETTERS.num_classes), np.float32)
    probs[:, :, 0] = 0.1
    for row, label in zip(probs, ids(), strict=True):
        row[0 : 2 * len(label) : 2][np.arange(len(label)), label] = 1.0
    read = CTCTokenizer().decode(probs, LETTERS)
    assert [result.text for result in read] == list(TEXTS)


@pytest.mark.parametrize("token_ids", SCHEMES)
def test_a_sequence_has_start_end_and_padding(token_ids) -> None:
    tokenizer = SequenceTokenizer(token_ids)
    encoded = tokenizer.encode(ids(), 4 + tokenizer.marks, LETTERS)
    assert encoded.dtype == np.int64
    assert encoded.shape == (4, 6)
    assert len(set(encoded[:, 0].tolist())) == 1  # all begin alike


@pytest.mark.parametrize("token_ids", SCHEMES)
def test_what_is_encoded_is_read_back(token_ids) -> None:
    tokenizer = SequenceTokenizer(token_ids)
    encoded = tokenizer.encode(ids(), 8, LETTERS)
    classes = int(encoded.max()) + 1
    written = np.eye(max(classes, 10), dtype=np.float32)[encoded[:, 1:]]
    for width in range(classes - 1, 10):  # padding need not be among a head's classes
        try:
            read = tokenizer.decode(written[..., :width], LETTERS)
        except DictionaryError:
            continue
        assert [result.text for result in read] == list(TEXTS)
        return
    pytest.fail("no number of classes is accepted")


@pytest.mark.parametrize("token_ids", SCHEMES)
def test_a_label_that_does_not_fit_is_refused(token_ids) -> None:
    with pytest.raises(DictionaryError):
        SequenceTokenizer(token_ids).encode(ids(), 5, LETTERS)
