"""Looks at data and configuration before a GPU is asked for."""

from ocr_lib.data.preflight.check import preflight
from ocr_lib.data.preflight.report import Finding, PreflightReport

__all__ = ["Finding", "PreflightReport", "preflight"]
