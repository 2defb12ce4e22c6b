"""Finding tritonserver and what it needs."""

import shutil
from pathlib import Path

import pytest

from ocr_lib.errors import ServiceError
from ocr_lib.serving.triton_env import find_triton
from ocr_lib.serving.triton_server import TritonServer


def test_a_missing_environment_has_a_next_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCR_TRITON_VENV", str(tmp_path / "none"))
    server = TritonServer(str(tmp_path), log=tmp_path / "log")
    with pytest.raises(ServiceError, match="make setup"), server:
        pass


def test_an_environment_without_stub_is_named(triton: TritonServer, tmp_path: Path) -> None:
    found = find_triton()
    copy = tmp_path / "lib/python3.12/site-packages/pytriton/tritonserver"
    shutil.copytree(found.binary.parents[1] / "bin", copy / "bin")
    with pytest.raises(ServiceError, match=r"Python 3\.12 has no stub"):
        find_triton(tmp_path)
