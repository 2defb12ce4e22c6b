"""A small exported network."""

from tests.ocr_lib.converters.conftest import v4

__all__ = ["v4"]
