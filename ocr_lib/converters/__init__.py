"""Importing recognisers that others exported: `import_model(source, folder)`."""

from ocr_lib import quiet_paddle  # noqa: F401 (imports paddle first)
from ocr_lib.converters.import_model import Imported, import_model

__all__ = ["Imported", "import_model"]
