"""Text read on an image."""

import pickle

from ocr_lib.text.recognition import Recognition


def test_a_failure_has_a_cause_and_reads_nothing() -> None:
    failed = Recognition.failed("not an image")
    assert (failed.text, failed.score, failed.char_scores) == ("", 0.0, ())
    assert failed.error == "not an image"
    assert Recognition("", 0.0).error is None  # nothing was read, and nothing failed


def test_equal_recognitions_are_equal_after_a_way_between_processes() -> None:
    read = Recognition("é中", 0.5, (0.25, 0.75))
    assert pickle.loads(pickle.dumps(read)) == read
    assert read != Recognition("é中", 0.5)
