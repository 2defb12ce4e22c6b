"""Labels and texts of heads that write one character after another: RARE, SAR and NRTR.

Each codes a character as its CTC id plus a constant, and has ids of its own for start, end and
padding; that is all they differ in.

Source: PaddleOCR `ppocr/data/imaug/label_ops.py` and `ppocr/postprocess/rec_postprocess.py`
(AttnLabelEncode, SARLabelEncode, NRTRLabelEncode and their decoders): same ids, same text, but
where PaddleOCR's attention decoder reads on after the end. Where nothing is read the score is 0,
not NaN; other special symbols than the end are left out of texts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ocr_lib.errors import DictionaryError
from ocr_lib.text.dictionary import Charset
from ocr_lib.text.recognition import Recognition


@dataclass(frozen=True)
class TokenIds:
    """The ids of one head.

    Attributes:
        shift: a character's id minus its CTC id.
        start: id before the text.
        end: id after it.
        pad: id after the end.
        classes: what the head's outputs are long.
    """

    shift: int
    start: int
    end: int
    pad: int
    classes: int

    def encode(self, ids: Sequence[int], length: int) -> list[int]:
        """Returns start, the characters of the CTC ids, end, and padding up to `length`.

        Raises:
            DictionaryError: it does not fit.
        """
        label = [self.start, *(i + self.shift for i in ids), self.end]
        if len(label) > length:
            cause = f"a label of {len(ids)} characters, with start and end, exceeds {length}"
            raise DictionaryError("label", cause, "Raise max_text_length, or leave the label out")
        return label + [self.pad] * (length - len(label))


def attention_ids(num_classes: int) -> TokenIds:
    """RARE's ids: start 0, then the characters, then the end; padding is the start.

    Args:
        num_classes: CTC classes, with the blank.
    """
    return TokenIds(shift=0, start=0, end=num_classes, pad=0, classes=num_classes + 1)


def sar_ids(num_classes: int) -> TokenIds:
    """SAR's ids: the characters from 0, unknown, start and end in one, padding.

    Args:
        num_classes: CTC classes, with the blank.
    """
    start = num_classes
    return TokenIds(shift=-1, start=start, end=start, pad=start + 1, classes=num_classes + 1)


def nrtr_ids(num_classes: int) -> TokenIds:
    """NRTR's ids: padding, unknown, start, end, the characters, and one that is never used.

    Args:
        num_classes: CTC classes, with the blank.
    """
    return TokenIds(shift=3, start=2, end=3, pad=0, classes=num_classes + 4)


def decode(
    probs: NDArray[np.float32], dictionary: Charset, token_ids: TokenIds
) -> list[Recognition]:
    """Decodes a batch: most probable class a step, up to the first end.

    Args:
        probs: softmax probabilities, float32 [N, T, C].
        dictionary: the characters.
        token_ids: the head's ids, made with `dictionary.num_classes`.

    Raises:
        DictionaryError: C is not the token_ids's number of classes.
    """
    if probs.ndim != 3 or probs.shape[2] != token_ids.classes:
        raise DictionaryError(
            "dictionary",
            f"the network answers {probs.shape}, the dictionary makes {token_ids.classes} classes",
            "Use the dictionary and use_space_char that the network was trained with",
        )
    ids = probs.argmax(axis=2)
    best = np.take_along_axis(probs, ids[..., None], axis=2)[..., 0]
    characters = ids - token_ids.shift
    known = (characters >= 1) & (characters < dictionary.num_classes)
    before_end = np.cumsum(ids == token_ids.end, axis=1) == 0
    return [
        _recognition(row[mask], scores[mask], dictionary)
        for row, scores, mask in zip(characters, best, known & before_end, strict=True)
    ]


def _recognition(
    ids: NDArray[np.intp], scores: NDArray[np.float32], dictionary: Charset
) -> Recognition:
    if not len(ids):
        return Recognition("", 0.0)
    return Recognition(dictionary.text(ids.tolist()), float(scores.mean()), tuple(scores.tolist()))
