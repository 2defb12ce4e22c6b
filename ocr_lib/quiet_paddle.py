"""Imports paddle without what it prints on import; packages that need paddle import this first.

Paddle warns of more than one OpenMP thread, which `configure_cpu` chooses on purpose, and of a
missing compiler cache, which only its C++ extensions use. Errors come through: they are exceptions.
It also imports cv2, which has to be loaded with limits.
"""

import io
import warnings
from contextlib import redirect_stderr

from ocr_lib import opencv  # noqa: F401 (before paddle)

with redirect_stderr(io.StringIO()), warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import paddle

__all__ = ["paddle"]
