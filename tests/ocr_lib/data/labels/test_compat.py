import importlib.metadata
import importlib.util
import json
import os
from pathlib import Path

import pytest

from ocr_lib.data.labels.convert import convert
from ocr_lib.errors import LabelError
from tests.ocr_lib.data.labels.folders import write_labels


@pytest.fixture(scope="module")
def script():
    """PaddleOCR's own conversion, from its wheel."""
    try:
        wheel = importlib.metadata.distribution("paddleocr")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("the wheel paddleocr is not installed")
    path = Path(str(wheel.locate_file("paddleocr/ppocr/utils/gen_label.py")))
    spec = importlib.util.spec_from_file_location("oracle", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_recognition_bytes(script, tmp_path):
    content = (
        '\ufeffword_1.jpg, "A B, C"\r\nword 2.jpg,"3.5"X6""\n\ufeffx,y\rz, "1"\n'
        'no.jpg, ""\nlast.jpg, "end"'
    )
    source = write_labels(tmp_path / "in", content)
    convert(source, tmp_path / "out", mode="rec", compat=True)
    script.gen_rec_label(source / "gt.txt", tmp_path / "theirs.txt")
    ours = (tmp_path / "out/labels.txt").read_bytes()
    assert ours == (tmp_path / "theirs.txt").read_bytes()
    assert json.loads((tmp_path / "out/report.json").read_text())["compat"] is True


@pytest.mark.parametrize("prefix", ["", "train/images"])
def test_detection_bytes(script, tmp_path, prefix):
    source = tmp_path / "in"
    for i in range(5):
        polygons = f"\ufeff1, 2,3,4,5,6,7,{i},ñ, cut\r\n1,2,3,4,5,6,7,8, kept \n"
        write_labels(source, polygons, images=0, name=f"gt_img_{i}.txt")
    convert(source, tmp_path / "out", compat=True, image_prefix=prefix)
    script.gen_det_label(prefix, source, tmp_path / "theirs.txt")
    ours = (tmp_path / "out/labels.txt").read_bytes()
    assert ours == (tmp_path / "theirs.txt").read_bytes()


def test_what_stops_the_script_is_named(tmp_path):
    source = write_labels(tmp_path / "in", 'a.jpg, "A"\nno comma\n')
    with pytest.raises(LabelError, match=r"gt\.txt:2: the line has no comma"):
        convert(source, tmp_path / "out", compat=True)
    write_labels(tmp_path / "det", "1,2,3,4,5,6,7,8,a\n1,2,3\n", images=0, name="gt_1.txt")
    with pytest.raises(LabelError, match=r"gt_1\.txt:2: not eight whole numbers"):
        convert(tmp_path / "det", tmp_path / "out", compat=True)
    write_labels(tmp_path / "bytes", b'a.jpg, "A"\nb.jpg, "\xff"\n')
    with pytest.raises(LabelError, match="not UTF-8"):
        convert(tmp_path / "bytes", tmp_path / "out", compat=True)
    assert not (tmp_path / "out/labels.txt").exists()


def test_a_list_has_no_compat(tmp_path):
    source = write_labels(tmp_path / "in", "word_1.jpg\tA\n")
    with pytest.raises(LabelError, match="takes no recognition list"):
        convert(source, tmp_path / "out", compat=True)


@pytest.mark.parametrize("name", ["gt.txt", "gt_1.txt"])
def test_lines_have_a_bound_here_too(tmp_path, name):
    first = "a.jpg, x\n" * 200 if name == "gt.txt" else "1,2,3,4,5,6,7,8,a\n" * 200
    write_labels(tmp_path / "in", first + "x" * (2 << 20), name=name)
    with pytest.raises(LabelError, match=rf"{name}:201: a line of more than a megabyte"):
        convert(tmp_path / "in", tmp_path / "out", compat=True)


def test_a_pipe_among_the_label_files_stops_it(tmp_path):
    write_labels(tmp_path / "in", "1,2,3,4,5,6,7,8,a\n", name="gt_1.txt")
    os.mkfifo(tmp_path / "in/gt_2.txt")
    with pytest.raises(LabelError, match=r"gt_2.txt: label file is no regular file"):
        convert(tmp_path / "in", tmp_path / "out", compat=True)
