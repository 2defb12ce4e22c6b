"""Export: `export(run_dir, out_dir)` turns a trained network into a certified bundle."""

from ocr_lib import quiet_paddle  # noqa: F401 (imports paddle first)
from ocr_lib.export.run import check_of_run, export, export_model, write_forms

__all__ = ["check_of_run", "export", "export_model", "write_forms"]
