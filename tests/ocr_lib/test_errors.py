"""Errors say where, why and what next, also when they come from another process."""

import pickle

from ocr_lib.errors import LabelError, OcrError, UserError


def test_the_message_names_place_cause_and_next_step():
    error = LabelError("gt.txt:3", "no separator", "Put a tab between path and text")
    assert str(error) == "gt.txt:3: no separator. Put a tab between path and text."


def test_bad_input_exits_with_2_and_other_errors_with_1():
    assert UserError("a", "b", "c").exit_code == 2
    assert OcrError("x").exit_code == 1


def test_an_error_survives_the_way_from_a_worker():
    error = pickle.loads(pickle.dumps(LabelError("gt.txt:3", "no separator", "Put a tab")))
    assert (type(error), error.where, error.fix) == (LabelError, "gt.txt:3", "Put a tab")
