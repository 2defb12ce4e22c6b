"""The program that runs the pipeline on this machine; whole runs are in `demo/test_run.py`."""

import json
import os
import subprocess
import sys
from pathlib import Path

from ocr_lib.storage.s3_server import S3Server
from ocr_lib.storage.store import Store


def run(arguments: dict[str, object], root: Path, **variables: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "pipelines.run_local", str(root)],
        input=json.dumps(arguments),
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, **variables},
    )


def test_what_is_no_parameter_begins_nothing(tmp_path: Path) -> None:
    done = run({"no_such_parameter": 1}, tmp_path / "root")
    assert done.returncode == 1
    assert "no_such_parameter" in done.stderr
    assert not list(tmp_path.glob("root/*/*"))


def test_a_failed_step_ends_it_and_the_exit_handler_runs(
    s3_server: S3Server, store: Store, tmp_path: Path
) -> None:
    arguments = {"train_data_uri": "s3://ocr/none.tar", "test_data_uri": "s3://ocr/none.tar"}
    done = run(arguments, tmp_path / "root", **s3_server.environment())
    assert done.returncode == 1
    assert "s3://ocr/none.tar" in done.stdout
    ran = {path.name for path in (tmp_path / "root").glob("*/*")}
    assert "plan" in ran
    assert "train" not in ran
