"""What a run decided when it began."""

from pathlib import Path

from ocr_lib.training.run_record import RUN_RECORD, RunRecord


def test_it_comes_back(tmp_path: Path) -> None:
    assert RunRecord.load(tmp_path) is None
    record = RunRecord(epochs=3, config_digest="abc", samples=60)
    record.save(tmp_path)
    assert RunRecord.load(tmp_path) == record
    assert [path.name for path in tmp_path.iterdir()] == [RUN_RECORD]
