"""Room on the disk and in shared memory."""

import pytest

from ocr_lib.config.schema import Config
from ocr_lib.data.preflight import machine as machine_module
from ocr_lib.data.preflight import preflight
from tests.ocr_lib.data.preflight.configured import changed, check


def test_too_little_room(good: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    good = changed(good, **{"Global.distributed": True})
    monkeypatch.setattr(machine_module, "DISK_NEEDED_MIB", 1 << 50)
    monkeypatch.setattr(machine_module, "DISK_WANTED_MIB", 1 << 50)
    monkeypatch.setattr(machine_module, "SHARED_WANTED_MIB", 1 << 50)
    report = preflight(good)
    check(report, "disk: ")
    assert [finding.check for finding in report.warnings] == ["shared memory"]
