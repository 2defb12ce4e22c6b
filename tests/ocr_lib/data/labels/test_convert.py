import re
import resource
import tarfile

import pytest

from ocr_lib.data.label_list import read_label_list
from ocr_lib.data.labels.convert import convert
from ocr_lib.errors import ConfigError, LabelError
from tests.ocr_lib.data.labels.folders import read_list, write_labels

GOOD = "".join(f'word_{i % 9 + 1}.jpg, "text {i}"\n' for i in range(198))
BAD = 'word_1.jpg, ""\n'


def test_the_quota_decides_between_skipping_and_failing(tmp_path):
    source = write_labels(tmp_path / "in", GOOD + BAD + BAD)
    assert convert(source, tmp_path / "out").bad == 2
    write_labels(source, GOOD + BAD * 3)
    with pytest.raises(LabelError, match="3 of 201 lines cannot be used") as error:
        convert(source, tmp_path / "out")
    assert error.value.where == "gt.txt:199"
    assert "empty label 3" in error.value.cause


def test_a_failure_leaves_what_was_there(tmp_path):
    out = tmp_path / "out"
    convert(write_labels(tmp_path / "in", GOOD), out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    write_labels(tmp_path / "in", GOOD + BAD * 100)
    with pytest.raises(LabelError):
        convert(tmp_path / "in", out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_a_full_disk_leaves_what_was_there(tmp_path):
    out = tmp_path / "out"
    convert(write_labels(tmp_path / "in", GOOD), out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    write_labels(tmp_path / "in", GOOD * 50)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            convert(tmp_path / "in", out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_the_same_input_gives_the_same_bytes(tmp_path):
    convert(write_labels(tmp_path / "a/in", GOOD + BAD), tmp_path / "x")
    convert(write_labels(tmp_path / "b/in", GOOD + BAD), tmp_path / "y")
    for name in ("labels.txt", "report.json"):
        assert (tmp_path / "x" / name).read_bytes() == (tmp_path / "y" / name).read_bytes()


def test_nothing_left_and_no_share(tmp_path):
    source = write_labels(tmp_path / "in", "\n\n")
    with pytest.raises(LabelError, match="no samples"):
        convert(source, tmp_path / "out", mode="rec")
    with pytest.raises(ConfigError, match="no share"):
        convert(source, tmp_path / "out", max_bad_fraction=1.5)


def test_images_elsewhere_are_asked_for(tmp_path):
    source = write_labels(tmp_path / "labels", GOOD, images=0)
    with pytest.raises(LabelError, match="--images"):
        convert(source, tmp_path / "out")
    assert convert(source, tmp_path / "out", check_images=False).written == 198
    write_labels(tmp_path / "images", "")
    assert convert(source, tmp_path / "out", image_root=tmp_path / "images").written == 198


@pytest.mark.parametrize("name", ["sroie-train", "sroie-val"])
def test_real_receipts(shared_dir, tmp_path, name):
    with tarfile.open(shared_dir / f"data/{name}.tar") as tar:
        names = tar.getnames()
        tar.extract("gt.txt", tmp_path, filter="data")
    for image in names:
        (tmp_path / image).touch()
    convert(tmp_path, tmp_path / "out")
    truth = re.findall(r'^\ufeff?([^,\n]+), "(.*)"$', (tmp_path / "gt.txt").read_text(), re.M)
    assert [f"{image}\t{label}" for image, label in truth] == read_list(tmp_path / "out")
    lines = read_label_list(tmp_path / "out/labels.txt")
    assert [(line.paths, line.label) for line in lines] == [((i,), label) for i, label in truth]
    assert len(truth) == len(names) - 1
