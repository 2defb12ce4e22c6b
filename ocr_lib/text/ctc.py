"""Greedy CTC decoding: the one implementation that training, evaluation and serving call.

Source: Graves et al. 2006, "Connectionist Temporal Classification", best path decoding; PaddleOCR
`ppocr/postprocess/rec_postprocess.py` (CTCLabelDecode): same text, same score.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ocr_lib.errors import DictionaryError
from ocr_lib.text.dictionary import Charset
from ocr_lib.text.recognition import Recognition


def decode(probs: NDArray[np.float32], dictionary: Charset) -> list[Recognition]:
    """Decodes a batch: most probable class a step, repeats merged, blanks dropped.

    Args:
        probs: softmax probabilities, float32 [N, T, C] with class 0 the blank.
        dictionary: of C - 1 entries.

    Raises:
        DictionaryError: C is not the dictionary's number of classes.
    """
    if probs.ndim != 3 or probs.shape[2] != dictionary.num_classes:
        raise DictionaryError(
            "dictionary",
            f"the network answers {probs.shape}, the dictionary has {dictionary.num_classes} "
            "classes with the blank",
            "Use the dictionary and use_space_char that the network was trained with",
        )
    ids = probs.argmax(axis=2)
    best = np.take_along_axis(probs, ids[..., None], axis=2)[..., 0]
    keep = ids != 0
    keep[:, 1:] &= ids[:, 1:] != ids[:, :-1]
    return [
        _recognition(row[mask], scores[mask], dictionary)
        for row, scores, mask in zip(ids, best, keep, strict=True)
    ]


def _recognition(
    ids: NDArray[np.intp], scores: NDArray[np.float32], dictionary: Charset
) -> Recognition:
    if not len(ids):
        return Recognition("", 0.0)
    return Recognition(dictionary.text(ids.tolist()), float(scores.mean()), tuple(scores.tolist()))


def min_steps(ids: Sequence[int]) -> int:
    """Returns the fewest CTC steps that can say `ids`: one each, and a blank between repeats."""
    return len(ids) + sum(a == b for a, b in pairwise(ids))
