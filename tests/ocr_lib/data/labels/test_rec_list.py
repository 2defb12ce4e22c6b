import json

import pytest

from ocr_lib.data.labels.convert import convert
from ocr_lib.data.labels.rec_list import image_paths
from tests.ocr_lib.data.labels.folders import read_list, write_labels


def converted(tmp_path, content, **options):
    source = write_labels(tmp_path / "in", content, name="rec_gt.txt")
    report = convert(source / "rec_gt.txt", tmp_path / "out", **options)
    return report, read_list(tmp_path / "out")


def test_a_list_is_written_as_it_is(tmp_path):
    lines = ["word_1.jpg\tTOTAL: 8.20", 'word_2.jpg\ta, "b"', "./word_3.jpg\t发票"]
    report, written = converted(tmp_path, "\n".join(lines))
    assert written == lines
    assert (report.mode, report.changed, report.dropped) == ("list", {}, {})


def test_spaces_that_may_be_a_mistake_are_kept_and_counted(tmp_path):
    lines = [
        "word_1.jpg\tend ",
        "word_2.jpg\ttwo  spaces",
        "word_3.jpg\t1\u00a0000",
        "word_4.jpg\t ok",
    ]
    report, written = converted(tmp_path, "\n".join(lines))
    assert written == lines
    assert {reason.split(" in ")[0]: found.count for reason, found in report.changed.items()} == {
        "space at an end": 2,
        "several spaces": 1,
        "unusual space": 1,
    }


def test_several_images_a_line(tmp_path):
    images = ["word_1.jpg", "word_2.jpg"]
    report, written = converted(
        tmp_path, f"{json.dumps(images)}\tA\nword_3.jpg\tB\n", image_prefix="train"
    )
    assert written == ['["train/word_1.jpg", "train/word_2.jpg"]\tA', "train/word_3.jpg\tB"]
    assert report.changed == {}


def test_one_missing_image_of_several_is_missing(tmp_path):
    report, written = converted(
        tmp_path, '["word_1.jpg", "no.jpg"]\tA\nword_3.jpg\tB\n', max_bad_fraction=0.5
    )
    assert written == ["word_3.jpg\tB"]
    assert report.dropped["missing image"].count == 1


def test_a_name_may_start_with_a_bracket(tmp_path):
    write_labels(tmp_path / "in", "", images=0)
    (tmp_path / "in/[1].jpg").touch()
    _, written = converted(tmp_path, "[1].jpg\tA\n")
    assert written == ["[1].jpg\tA"]


def test_further_columns_are_left_out_and_reported(tmp_path):
    report, written = converted(tmp_path, "word_1.jpg\tA\t120\t32\nword_2.jpg\tB\n")
    assert written == ["word_1.jpg\tA", "word_2.jpg\tB"]
    assert report.changed["columns after the label left out"].count == 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("word_2.jpg\t", "empty label"),
        ("word_2.jpg TEXT", "no tab between image path and label"),
        ("\tTEXT", "no image name"),
        ("../word_2.jpg\tTEXT", "image path outside the image folder"),
    ],
)
def test_bad_lines_are_dropped_and_counted(tmp_path, line, reason):
    report, written = converted(tmp_path, f"word_1.jpg\tA\n{line}\n", max_bad_fraction=0.5)
    assert written == ["word_1.jpg\tA"]
    assert report.dropped[reason].examples[0]["where"] == "rec_gt.txt:2"


@pytest.mark.parametrize("column", ["[" * 100_000, f"[{'9' * 5000}]", '["a", 1]', "[]", "[x"])
def test_what_is_no_list_of_paths_is_a_name(column: str) -> None:
    assert image_paths(column) == [column]
