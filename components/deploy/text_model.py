"""The name under which model repositories of version 0.1 import the text model."""

from ocr_lib.serving.text_model import TritonPythonModel

__all__ = ["TritonPythonModel"]
