import json
import os

import pytest

from ocr_lib.data.labels.convert import convert
from ocr_lib.errors import LabelError
from tests.ocr_lib.data.labels.folders import read_list, write_labels


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "in"
    write_labels(
        folder,
        "\ufeff377,117,463,117,465,130,378,130,Genaxis Theatre\r\n"
        "493,115,519,115,519,131,493,131,[06], or more, \r\n"
        "374,155,409,155,409,170,374,170,###\r\n",
        name="gt_img_1.txt",
    )
    write_labels(folder, "", name="gt_img_2.txt")
    write_labels(folder, "-5, 0, 10, 0, 10, 8, -5, 8,边\n", name="gt_img_10.txt")
    for image in ("img_1.jpg", "img_2.png", "img_10.jpg"):
        (folder / image).touch()
    return folder


def test_polygons_become_paddleocrs_detection_list(source, tmp_path):
    report = convert(source, tmp_path / "out", image_prefix="train")
    lists = dict(line.split("\t") for line in read_list(tmp_path / "out"))
    assert list(lists) == ["train/img_1.jpg", "train/img_10.jpg", "train/img_2.png"]
    texts = [polygon["transcription"] for polygon in json.loads(lists["train/img_1.jpg"])]
    assert texts == ["Genaxis Theatre", "[06], or more, ", "###"]
    assert json.loads(lists["train/img_10.jpg"]) == [
        {"transcription": "边", "points": [[-5, 0], [10, 0], [10, 8], [-5, 8]]}
    ]
    assert lists["train/img_2.png"] == "[]"
    assert (report.mode, report.lines, report.written) == ("det", 4, 3)


def test_bad_polygons_and_missing_images_are_counted(source, tmp_path):
    (source / "gt_img_1.txt").write_text("1,2,3,4,5,6,7,8,a\n1,2,3,b\n")
    (source / "img_10.jpg").unlink()
    report = convert(source, tmp_path / "out", max_bad_fraction=0.9)
    assert report.dropped["missing image"].count == 1
    bad = report.dropped["not eight whole numbers and a text"]
    assert bad.examples == [{"where": "gt_img_1.txt:2", "text": "1,2,3,b"}]
    assert len(read_list(tmp_path / "out")) == 2


def test_images_may_lie_elsewhere(source, tmp_path):
    for image in source.glob("img_*"):
        image.rename(tmp_path / image.name)
    with pytest.raises(LabelError, match="image_root"):
        convert(source, tmp_path / "out")
    assert convert(source, tmp_path / "out", image_root=tmp_path).written == 3


def test_one_polygon_file_is_no_data_set(source, tmp_path):
    with pytest.raises(LabelError, match=r"Give the folder that holds the gt_\*\.txt"):
        convert(source / "gt_img_1.txt", tmp_path / "out")


def test_what_cannot_be_read_is_dropped_and_named(source, tmp_path):
    long = write_labels(source, f"1,2,3,4,5,6,7,8,a\n{'9' * 5000},2,3,4,5,6,7,8,b\n", 0, "gt_n.txt")
    (long / "n.JPG").touch()
    (source / "gt_out.txt").symlink_to("/etc/passwd")
    os.mkfifo(source / "gt_pipe.txt")
    with (source / "gt_big.txt").open("wb") as file:
        file.truncate(17 << 20)
    report = convert(source, tmp_path / "out", mode="det", max_bad_fraction=1)
    assert {reason: found.examples[0]["where"] for reason, found in report.dropped.items()} == {
        "not eight whole numbers and a text": "gt_n.txt:2",
        "label file behind a link that leaves the folder": "gt_out.txt",
        "label file is no regular file": "gt_pipe.txt",
        "label file of more than 16 MiB": "gt_big.txt",
    }
    assert report.written == 4


def test_the_image_of_a_label_file_is_found_by_its_other_unicode_form(tmp_path):
    folder = write_labels(tmp_path / "in", "1,2,3,4,5,6,7,8,a\n", 0, "gt_\u00e9.txt")
    (folder / "e\u0301.png").touch()
    convert(folder, tmp_path / "out")
    assert read_list(tmp_path / "out")[0].startswith("e\u0301.png\t")
