"""What an evaluation and the gate found, for people: an HTML page, or a few lines of Markdown."""

from ocr_lib.report.markdown import markdown
from ocr_lib.report.page import html

__all__ = ["html", "markdown"]
