"""Failures of a local run; a run that succeeds is in test_run.py."""

from pathlib import Path

import pytest

from ocr_lib.storage.s3_server import S3Server
from ocr_lib.storage.store import Store
from pipelines.demo.dag import StepError, run_dag


def test_a_failed_step_is_named_with_what_it_said(
    s3_server: S3Server, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = {"train_data_uri": "s3://ocr/nothing.tar"}
    with pytest.raises(StepError) as error:
        run_dag(arguments, s3_server.environment(), tmp_path)
    assert "step plan (Look for new data) failed: plan: s3://ocr/nothing.tar" in str(error.value)
    assert str(tmp_path / "pipeline.log") in str(error.value)
    shown = capsys.readouterr().out
    assert shown.startswith("[1/10] Look for new data\n")
    assert "[10/10] Clean up" in shown  # the exit handler, whatever failed
    assert "Traceback" not in (tmp_path / "pipeline.log").read_text("utf-8")


def test_a_run_that_does_not_begin_says_why(
    s3_server: S3Server, store: Store, tmp_path: Path
) -> None:
    with pytest.raises(StepError, match="the pipeline did not run") as error:
        run_dag({"no_such_parameter": 1}, s3_server.environment(), tmp_path)
    assert "no_such_parameter" in str(error.value)
