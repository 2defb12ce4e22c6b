import os
from pathlib import Path

import pytest

DEFAULT = Path(__file__).resolve().parents[3] / "shared" / "compat"


def compat_dir() -> Path:
    """Folder of the reference facts: OCR_COMPAT, else `compat` in the shared folder."""
    shared = os.environ.get("OCR_SHARED")
    default = Path(shared) / "compat" if shared else DEFAULT
    return Path(os.environ.get("OCR_COMPAT", default))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "config_name" in metafunc.fixturenames:
        names = sorted(path.stem for path in compat_dir().glob("*.npz"))
        if not names:
            reason = "no reference facts: set OCR_COMPAT to their folder"
            names = [pytest.param("none", marks=pytest.mark.skip(reason=reason))]
        metafunc.parametrize("config_name", names, scope="module")
