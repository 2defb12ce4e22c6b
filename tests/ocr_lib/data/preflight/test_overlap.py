"""Images that occur twice."""

from pathlib import Path

from ocr_lib.config.schema import Config
from ocr_lib.data.preflight import preflight
from tests.ocr_lib.data.lines import image
from tests.ocr_lib.data.preflight.configured import check


def test_evaluation_images_in_training(good: Config, tmp_path: Path) -> None:
    (tmp_path / "images/eval.txt_3.jpg").write_bytes(image(7, 320, 32))
    finding = check(preflight(good), "train and validation: 1 of 20 (5.00%) validation images")
    assert finding.examples == ("validation images/eval.txt_3.jpg is train images/train.txt_7.jpg",)
    report = preflight(good, max_leak_share=0.05)
    assert report.passed
    assert len(report.warnings) == 1


def test_equal_images_with_different_labels(good: Config, tmp_path: Path) -> None:
    (tmp_path / "images/train.txt_9.jpg").write_bytes(image(4, 320, 32))
    finding = check(preflight(good), "train: 1 of 40 (2.50%) images occur before with another")
    assert finding.examples == (
        "images/train.txt_4.jpg: 'word 4', images/train.txt_9.jpg: 'word 9'",
    )
