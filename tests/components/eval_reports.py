"""Evaluation reports for what reads them."""

from dataclasses import replace

from ocr_lib.evaluation.report import EvalReport


def report_with(accuracy: float) -> EvalReport:
    """Returns the report of a model that reads this share of 200 lines."""
    right = round(200 * accuracy)
    return replace(_REPORT, accuracy=accuracy, outcomes=bytes([1] * right + [0] * (200 - right)))


_REPORT = EvalReport(
    samples=200,
    unreadable=0,
    out_of_dictionary=0,
    accuracy=0.0,
    norm_edit_dis=0.98,
    cer=0.02,
    paddleocr={},
    by_length=(),
    by_width=(),
    worst=(),
    watched={},
    errors=(),
    outcomes=b"",
    dataset_digest="ab",
    seconds=1.0,
)
