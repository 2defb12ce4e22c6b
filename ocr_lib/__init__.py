"""Text-line recognition: labels, LMDB, training, evaluation, export. Knows no orchestrator."""

from ocr_lib import cpu

__version__ = "0.1.0"

cpu.configure()
