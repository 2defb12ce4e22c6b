"""Label codes of the three kinds of head."""

import numpy as np
import pytest

from ocr_lib.text.dictionary import Dictionary
from ocr_lib.train.targets import Targets

ABC = Dictionary(tuple("abc"))  # a=1, b=2, c=3 for CTC; 4 classes with the blank


def test_ctc_pads_with_blanks_to_the_longest_of_the_batch():
    arrays = Targets(ABC, 25).encode(["ab", "c"])
    np.testing.assert_array_equal(arrays["label_ctc"], [[1, 2], [3, 0]])
    np.testing.assert_array_equal(arrays["length"], [2, 1])
    assert arrays["label_ctc"].dtype == np.int32


def test_sar_marks_both_ends_and_pads():
    arrays = Targets(ABC, 6, "sar").encode(["ab"])
    np.testing.assert_array_equal(arrays["label_sar"], [[4, 0, 1, 4, 5, 5]])


def test_nrtr_marks_both_ends_and_pads():
    arrays = Targets(ABC, 6, "nrtr").encode(["ab"])
    np.testing.assert_array_equal(arrays["label_gtc"], [[2, 4, 5, 3, 0, 0]])


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
    assert Targets(ABC, 5).usable(label, steps) == reason


@pytest.mark.parametrize("guide", ["sar", "nrtr"])
def test_a_guide_needs_room_for_its_marks(guide):
    targets = Targets(ABC, 5, guide)
    assert targets.usable("abca", 9) == "longer than max_text_length"
    assert targets.usable("abc", 9) == ""
    targets.encode(["abc"])  # the longest usable label fits, its end mark included
