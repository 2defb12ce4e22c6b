"""A trained run and its bundle."""

from tests.ocr_lib.conftest import bundle, run_dir

__all__ = ["bundle", "run_dir"]
