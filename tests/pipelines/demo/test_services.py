"""The servers that the demo brings along."""

from pathlib import Path

import pytest

from ocr_lib.errors import ServiceError
from ocr_lib.serving.admin import TritonAdmin
from ocr_lib.serving.triton_env import triton_venv
from pipelines.demo.services import services

pytestmark = pytest.mark.skipif(not triton_venv().is_dir(), reason="no Triton here: make setup")


def test_both_run_while_the_block_lasts_and_others_cannot_deploy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with services(tmp_path, "ocr") as running:
        running.store.put_bytes("some/object", b"content")
        assert running.store.exists("some/object")
        with (
            TritonAdmin(running.triton_url) as admin,
            pytest.raises(ServiceError, match="it wants the management key"),
        ):
            admin.check_live()
        monkeypatch.setenv("OCR_TRITON_ADMIN_KEY", running.environment["OCR_TRITON_ADMIN_KEY"])
        with TritonAdmin(running.triton_url) as admin:
            admin.check_live()
        with (
            pytest.raises(ServiceError, match=r"another demo runs in this folder\. Wait for it"),
            services(tmp_path, "ocr"),
        ):
            pass
    assert (tmp_path / "s3/ocr/some/object").read_bytes() == b"content"
    with (
        TritonAdmin(running.triton_url, 2) as admin,
        pytest.raises(ServiceError, match="does not answer"),
    ):
        admin.check_live()
