"""Text-line recognition: labels, LMDB, training, evaluation, export. Knows no orchestrator."""

__version__ = "0.2.0"
