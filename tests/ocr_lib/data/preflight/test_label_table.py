"""Labels in files come back as they were."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.data.preflight import label_table
from ocr_lib.data.preflight.label_table import LabelTable


@given(st.lists(st.text(st.characters()), max_size=40))
def test_labels_come_back_as_they_were(labels: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(label_table, "ROWS", 7)
        table = LabelTable(iter(labels))
        assert list(table) == labels
        assert [table[i] for i in range(len(table))] == labels
        assert table[2:5] == labels[2:5]
    assert len(table) == len(labels)


@pytest.mark.parametrize("i", [2, -3])
def test_there_are_no_others(i: int) -> None:
    with pytest.raises(IndexError):
        LabelTable(["a", "b"])[i]


def test_no_file_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    table = LabelTable(["a"] * 9)
    assert not list(tmp_path.iterdir())
    assert table[8] == "a"


FULL = """
import resource
from ocr_lib.data.preflight.label_table import LabelTable
from ocr_lib.errors import DataError
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    LabelTable(["a" * 100] * 100)
except DataError as error:
    raise SystemExit(str(error)) from None
"""


def test_no_room_is_named() -> None:
    run = subprocess.run(
        [sys.executable, "-c", FULL], capture_output=True, text=True, env=os.environ, check=False
    )
    assert run.returncode == 1
    assert "the labels cannot be written (File too large)" in run.stderr
