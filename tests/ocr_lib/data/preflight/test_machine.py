"""Room on the disk and in shared memory."""

from types import SimpleNamespace

import pytest

from ocr_lib.data.preflight import machine as machine_module
from ocr_lib.data.preflight import preflight
from tests.ocr_lib.data.preflight.configured import check


def test_too_little_room(good: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    good.global_.distributed = True
    monkeypatch.setattr(machine_module, "DISK_NEEDED_MIB", 1 << 50)
    monkeypatch.setattr(machine_module, "DISK_WANTED_MIB", 1 << 50)
    monkeypatch.setattr(machine_module, "SHARED_WANTED_MIB", 1 << 50)
    report = preflight(good)
    check(report, "disk: ")
    assert [finding.check for finding in report.warnings] == ["shared memory"]
