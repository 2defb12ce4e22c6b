"""The gate between a candidate and the model that serves; its table is in `decision`."""

from ocr_lib.evaluation.latency import LatencyAndSize
from ocr_lib.gate.decision import decide
from ocr_lib.gate.thresholds import PROOFS, Thresholds
from ocr_lib.gate.verdict import Check, Verdict

__all__ = ["PROOFS", "Check", "LatencyAndSize", "Thresholds", "Verdict", "decide"]
