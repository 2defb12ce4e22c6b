import os

import pytest

from ocr_lib.data.labels.find import find_labels
from ocr_lib.errors import LabelError
from tests.ocr_lib.data.labels.folders import write_labels

REC = 'word_1.jpg, "A"\n'
LIST = "word_1.jpg\tA\n"
DET = "1,2,3,4,5,6,7,8,a\n"


@pytest.mark.parametrize(
    ("name", "content", "mode"),
    [
        ("gt.txt", REC, "rec"),
        ("gt.txt", "\ufeff" + REC, "rec"),
        ("gt.txt", "word_1.PNG,bare\n", "rec"),
        ("gt.txt", LIST, "list"),
        ("labels.txt", LIST, "list"),
        ("rec_gt_train.txt", LIST, "list"),
        ("gt_train.txt", REC, "rec"),
        ("gt_img_1.txt", DET, "det"),
    ],
)
def test_folders(tmp_path, name, content, mode):
    found = find_labels(write_labels(tmp_path, content, name=name))
    assert found.mode == mode
    assert found.path == (tmp_path if mode == "det" else tmp_path / name)


def test_the_first_label_files_may_be_empty(tmp_path):
    for i in range(4):
        write_labels(tmp_path, DET if i == 3 else "", name=f"gt_{i}.txt")
    assert find_labels(tmp_path).mode == "det"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("word_1.jpg TOTAL 8.20\n", "a space where a tab belongs"),
        ("word_1.jpg;TOTAL\n", "wrong separator"),
        ("word_1.jpg|TOTAL\n", "wrong separator"),
        ('img.jpg\t[{"transcription": "a", "points": [[1, 2]]}]\n', "a detection list"),
        (DET, "ICDAR detection labels"),
        ("nothing of the kind\n", "lines of no known form"),
        ("", "lines of no known form"),
        ("word_1.jpg".encode("utf-16"), "UTF-16"),
    ],
)
def test_other_forms_are_named(tmp_path, content, message):
    write_labels(tmp_path, content)
    with pytest.raises(LabelError, match=message) as error:
        find_labels(tmp_path / "gt.txt")
    assert error.value.where.endswith("gt.txt:1")


def test_the_mode_asked_for_must_fit(tmp_path):
    write_labels(tmp_path, LIST)
    with pytest.raises(LabelError, match="expected, but a PaddleOCR recognition list"):
        find_labels(tmp_path, "rec")
    with pytest.raises(LabelError, match=r"no gt_<image>\.txt in it"):
        find_labels(tmp_path, "det")
    assert find_labels(tmp_path, "list").mode == "list"


def test_names_without_an_ending_need_the_mode(tmp_path):
    write_labels(tmp_path, "0001,TOTAL\n")
    with pytest.raises(LabelError, match="no known form"):
        find_labels(tmp_path)
    assert find_labels(tmp_path, "rec").mode == "rec"


def test_nothing_to_find(tmp_path):
    with pytest.raises(LabelError, match="no such file or folder"):
        find_labels(tmp_path / "absent")
    with pytest.raises(LabelError, match=r"no gt\.txt in it"):
        find_labels(tmp_path)
    write_labels(tmp_path, LIST, name="a.txt")
    write_labels(tmp_path, LIST, name="b.txt")
    with pytest.raises(LabelError, match=r"but a\.txt, b\.txt"):
        find_labels(tmp_path)


def test_a_label_file_is_a_regular_file_of_the_folder(tmp_path):
    (tmp_path / "pipe").mkdir()
    os.mkfifo(tmp_path / "pipe/gt.txt")
    with pytest.raises(LabelError, match=r"gt.txt: label file is no regular file"):
        find_labels(tmp_path / "pipe")
    (tmp_path / "link").mkdir()
    (tmp_path / "link/labels.txt").symlink_to("/etc/passwd")
    with pytest.raises(LabelError, match="label file behind a link that leaves the folder"):
        find_labels(tmp_path / "link")
    with pytest.raises(LabelError, match="is neither a file nor a folder"):
        find_labels(tmp_path / "pipe/gt.txt")
    inside = write_labels(tmp_path / "inside", LIST, name="list")
    (inside / "gt.txt").symlink_to("list")
    assert find_labels(inside).mode == "list"


def test_a_line_of_a_megabyte_is_named(tmp_path):
    folder = write_labels(tmp_path / "in", LIST + "x" * (2 << 20) + "\n")
    with pytest.raises(LabelError, match=r"gt.txt:2: a line of more than a megabyte"):
        find_labels(folder)
