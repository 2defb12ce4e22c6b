"""Reports of models that read a share of the lines right."""

from ocr_lib.evaluation.report import EvalReport
from ocr_lib.gate import Thresholds
from tests.ocr_lib.gate.reports import report


def share(correct: int, total: int = 1000) -> EvalReport:
    return report([1] * correct + [0] * (total - correct))


LIMITS = Thresholds(min_accuracy=0.9, min_norm_edit_dis=0.9, min_samples=500)
