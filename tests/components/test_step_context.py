import json

import pytest

from components.step_context import step_context
from ocr_lib.errors import LabelError, ServiceError

pytestmark = pytest.mark.usefixtures("store")


def test_the_working_directory_is_gone_afterwards() -> None:
    with step_context("gen_label") as context:
        (context.work_dir / "file").write_text("x")
    assert not context.work_dir.exists()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LabelError("gt.txt:3", "no comma", "Write one"), 2),
        (ServiceError("the store did not answer within 30 s"), 1),
    ],
)
def test_an_error_of_ours_is_one_line_and_its_exit_code(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_, step_context("gen_label"):
        raise error
    assert exit_.value.code == code
    assert capsys.readouterr().err == f"gen_label: {error}\n"


def test_a_full_disk_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with (
        pytest.raises(SystemExit) as exit_,
        step_context("pack_lmdb"),
        open("/dev/full", "wb", buffering=0) as full,
    ):
        full.write(b"x")
    assert exit_.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("pack_lmdb: ")
    assert "the disk is full" in line


def test_another_error_of_the_system_keeps_its_traceback() -> None:
    with pytest.raises(FileNotFoundError), step_context("train"):
        open("/nothing").close()


def test_a_defect_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError), step_context("train"):
        raise ZeroDivisionError


def test_a_step_logs_its_name_and_run_and_no_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OCR_LOG_FORMAT", "json")
    monkeypatch.setenv("OCR_TRITON_ADMIN_KEY", "canary7d1f0c9b3e")
    with step_context("deploy", run="r1") as context:
        context.log.info("loading with canary7d1f0c9b3e")
    line = json.loads(capsys.readouterr().err)
    assert (line["logger"], line["step"], line["run"]) == ("components.deploy", "deploy", "r1")
    assert line["message"] == "loading with [hidden]"


def test_a_log_format_that_there_is_not_ends_the_step(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OCR_LOG_FORMAT", "xml")
    with pytest.raises(SystemExit) as exit_, step_context("plan"):
        pass
    assert exit_.value.code == 2
    expected = "plan: OCR_LOG_FORMAT: 'xml' is no format. Give text or json.\n"
    assert capsys.readouterr().err == expected
