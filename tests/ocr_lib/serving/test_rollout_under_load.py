"""The trial of `make test-rollout`, with as many requests as its events take."""

from pathlib import Path

import pytest

from ocr_lib.serving.triton_env import triton_venv
from ocr_lib.storage.s3_server import S3Server
from tests.ocr_lib.serving.rollout_trial import trial


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_nothing_fails_and_nothing_untested_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not triton_venv().is_dir():
        pytest.skip("no Triton here: make setup")
    for name in S3Server(tmp_path).environment():
        monkeypatch.setenv(name, "set by the trial, restored after the test")
    result = trial(tmp_path, requests=1000)
    assert result["failed"] == 0, result["examples"]
    assert result["unpassed"] == 0, result["examples"]
    assert result["requests"] >= 1000
    assert set(result["versions"]) <= {"1", "2", "3"}
    assert {"1", "2"} <= set(result["versions"])
