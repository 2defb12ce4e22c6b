"""How a network's probabilities become text: one function for each kind of head, by name.

An exported model carries the name, so that whoever reads with it needs no configuration.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from ocr_lib.text import ctc, sequence
from ocr_lib.text.ctc import Recognition
from ocr_lib.text.dictionary import Dictionary

Decode = Callable[[NDArray[np.float32], Dictionary], list[Recognition]]
"""Probabilities float32 [N, T, K] and the characters behind them → N texts."""


def attention(probs: NDArray[np.float32], dictionary: Dictionary) -> list[Recognition]:
    """Decodes RARE's attention head: K = CTC classes + 1."""
    return sequence.decode(probs, dictionary, sequence.attention_coding(dictionary.num_classes))


def sar(probs: NDArray[np.float32], dictionary: Dictionary) -> list[Recognition]:
    """Decodes SAR's head: K = CTC classes + 1."""
    return sequence.decode(probs, dictionary, sequence.sar_coding(dictionary.num_classes))


def nrtr(probs: NDArray[np.float32], dictionary: Dictionary) -> list[Recognition]:
    """Decodes NRTR's head: K = CTC classes + 4."""
    return sequence.decode(probs, dictionary, sequence.nrtr_coding(dictionary.num_classes))


DECODERS: Mapping[str, Decode] = {
    "ctc": ctc.decode,
    "attention": attention,
    "sar": sar,
    "nrtr": nrtr,
}
