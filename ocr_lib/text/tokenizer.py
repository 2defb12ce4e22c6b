"""Tokenizers: what turns labels into class ids and a head's probabilities into texts.

They hold no characters: those are given with each call, so that one tokenizer serves every
network of its family.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ocr_lib.text import ctc, sequence
from ocr_lib.text.dictionary import Charset
from ocr_lib.text.recognition import Recognition
from ocr_lib.text.sequence import TokenIds

Decode = Callable[[NDArray[np.float32], Charset], list[Recognition]]
"""Probabilities float32 [N, T, K] and the characters behind them → N texts."""


class Tokenizer(Protocol):
    """Labels to ids and back, for one family of heads."""

    @property
    def marks(self) -> int:
        """Positions of a label that its start and end take."""

    def encode(
        self, labels: Sequence[Sequence[int]], length: int, dictionary: Charset
    ) -> NDArray[np.generic]:
        """Encodes a batch.

        Args:
            labels: the CTC ids of each label, as `Charset.encode` gives them.
            length: positions that a padded label has.
            dictionary: the characters.

        Returns:
            int [N, L].
        """

    def decode(self, probs: NDArray[np.float32], dictionary: Charset) -> list[Recognition]:
        """Decodes a batch.

        Args:
            probs: softmax probabilities, float32 [N, T, K].
            dictionary: the characters.

        Raises:
            DictionaryError: K is not the number of classes that the characters make.
        """


@dataclass(frozen=True)
class CTCTokenizer:
    """Class i is character i - 1, class 0 the blank; labels are padded with blanks."""

    marks: int = 0

    def encode(
        self, labels: Sequence[Sequence[int]], length: int, dictionary: Charset
    ) -> NDArray[np.int32]:
        """Returns the ids padded to the longest label of the batch, int32 [N, longest]."""
        del length, dictionary
        longest = max(map(len, labels))
        return np.array([[*ids, *[0] * (longest - len(ids))] for ids in labels], np.int32)

    def decode(self, probs: NDArray[np.float32], dictionary: Charset) -> list[Recognition]:
        """See `ocr_lib.text.ctc.decode`."""
        return ctc.decode(probs, dictionary)


@dataclass(frozen=True)
class SequenceTokenizer:
    """Of heads that write one character after another, with start, end and padding.

    Attributes:
        token_ids_of: the number of CTC classes → the head's ids.
    """

    token_ids_of: Callable[[int], TokenIds]
    marks: int = 2

    def encode(
        self, labels: Sequence[Sequence[int]], length: int, dictionary: Charset
    ) -> NDArray[np.int64]:
        """Returns start, characters, end and padding of each label, int64 [N, length].

        Raises:
            DictionaryError: a label does not fit.
        """
        token_ids = self.token_ids_of(dictionary.num_classes)
        return np.array([token_ids.encode(ids, length) for ids in labels], np.int64)

    def decode(self, probs: NDArray[np.float32], dictionary: Charset) -> list[Recognition]:
        """See `ocr_lib.text.sequence.decode`."""
        return sequence.decode(probs, dictionary, self.token_ids_of(dictionary.num_classes))
