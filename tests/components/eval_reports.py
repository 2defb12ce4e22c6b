"""Evaluation reports for what reads them."""

from ocr_lib.evaluation.report import EvalReport
from tests.ocr_lib.gate.reports import report


def report_with(accuracy: float) -> EvalReport:
    """Returns the report of a model that reads this share of 200 lines."""
    right = round(200 * accuracy)
    return report([1] * right + [0] * (200 - right), similarity=0.98)
