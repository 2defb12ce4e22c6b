"""`ocr feedback` on a real store."""

from pathlib import Path

import pytest

from ocr_lib.errors import DataError
from ocr_lib.serving.feedback.recorder import FeedbackLimits
from ocr_lib.serving.feedback.samples import FeedbackStore
from ocr_lib.storage.store import Store
from tests.ocr_lib.serving.feedback.recorded import LINES, reading, record
from tests.pipelines.cli.command import call


def test_lines_are_listed_exported_and_pruned(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--model", "commanded")
    with pytest.raises(DataError, match="nothing was kept"):
        call("feedback", "export", tmp_path / "out", *where)
    record(store, "commanded", FeedbackLimits(), (LINES[0], reading("abc", 0.1)))
    assert call("feedback", "list", *where) == 0
    assert capsys.readouterr().out.endswith("\t0.1000\t3\tabc\t\n")
    assert call("feedback", "export", tmp_path / "out", *where, "--upload", "datasets/more") == 0
    assert store.get_tree("datasets/more", tmp_path / "again").is_dir()
    assert call("feedback", "prune", *where, "--days", 1) == 0
    assert len(list(FeedbackStore(store, "commanded").lines())) == 1
    assert FeedbackStore(store, "commanded").prune(-1) == 1
    assert store.list("feedback/commanded/") == []
