"""Label lists beside their images, and what cannot be read of them."""

import json
import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest

from ocr_lib.data.decode import MAX_BYTES
from ocr_lib.errors import DataError, ImageError
from tests.ocr_lib.data.lines import image, write_lines
from tests.ocr_lib.data.opened import simple


def test_one_of_several_images_is_drawn_and_the_first_without_a_generator(tmp_path: Path) -> None:
    labels = write_lines(tmp_path, ["a", "b", "c"])
    paths = [f"images/labels.txt_{i}.jpg" for i in range(3)]
    labels.write_text(f"{json.dumps(paths)}\ttext\n")
    dataset = simple(tmp_path, labels)
    assert {dataset.sample(0).name for _ in range(20)} == {paths[0]}
    rng = np.random.default_rng(0)
    assert {dataset.sample(0, rng).name for _ in range(60)} == set(paths)


def test_a_missing_image_is_an_error_of_its_own_line(tmp_path: Path) -> None:
    labels = write_lines(tmp_path, ["a", "b", "c"])
    (tmp_path / "images/labels.txt_1.jpg").unlink()
    dataset = simple(tmp_path, labels)
    assert dataset.sizes[1].tolist() == [0, 0]
    assert dataset.checksums[1] == 0
    assert (dataset.sample(0).label, dataset.sample(2).label) == ("a", "c")
    with pytest.raises(ImageError, match=r"labels\.txt:2: .*labels\.txt_1\.jpg cannot be read"):
        dataset.sample(1)


def test_undecodable_images_have_no_size(tmp_path: Path) -> None:
    labels = write_lines(tmp_path, ["a"])
    (tmp_path / "images/labels.txt_0.jpg").write_text("text")
    assert simple(tmp_path, labels).sizes.tolist() == [[0, 0]]


def test_formats_that_are_not_accepted_have_no_size(tmp_path: Path) -> None:
    labels = write_lines(tmp_path, ["a"])
    (tmp_path / "images/labels.txt_0.jpg").write_bytes(image(0, 33, 21, ".tiff"))
    assert simple(tmp_path, labels).sizes.tolist() == [[0, 0]]


def test_a_size_beyond_every_limit_is_no_size(tmp_path: Path) -> None:
    labels = write_lines(tmp_path, ["a"])
    bomb = bytearray(image(0, 33, 21, ".png"))
    bomb[16:24] = b"\xff" * 8  # 2**32 - 1 px wide and high
    (tmp_path / "images/labels.txt_0.jpg").write_bytes(bomb)
    assert simple(tmp_path, labels).sizes.tolist() == [[0, 0]]


def test_reading_an_image_is_bounded(tmp_path: Path) -> None:
    """Also where its name leads to what has no end, or to a pipe that nothing is written to."""
    labels = write_lines(tmp_path, ["a", "b"])
    endless, pipe = (tmp_path / f"images/labels.txt_{i}.jpg" for i in (0, 1))
    endless.unlink()
    endless.symlink_to("/dev/zero")
    pipe.unlink()
    os.mkfifo(pipe)
    dataset = simple(tmp_path, labels)
    assert dataset.sizes.tolist() == [[0, 0], [0, 0]]
    for i in (0, 1):
        with pytest.raises(ImageError, match=rf"labels.txt:{i + 1}: .* \(not a regular file\)"):
            dataset.sample(i)
    endless.unlink()
    with endless.open("wb") as file:
        file.truncate(MAX_BYTES * 2)
    assert len(dataset.sample(0).image) == MAX_BYTES + 1


def test_an_image_is_found_by_the_other_unicode_form_of_its_name(tmp_path: Path) -> None:
    labels = write_lines(tmp_path, ["a"])
    (tmp_path / "images/labels.txt_0.jpg").rename(tmp_path / "images/e\u0301.jpg")
    labels.write_text("images/\u00e9.jpg\ta\n", "utf-8")
    assert simple(tmp_path, labels).sample(0).image


@pytest.mark.parametrize("width", [2**32 - 1, 2**31, 2**31 - 1])
def test_an_image_that_claims_to_be_as_wide_as_a_number_can_be(tmp_path: Path, width: int) -> None:
    labels = write_lines(tmp_path, ["a"])
    header = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II5B", width, 1, 8, 0, 0, 0, 0)
    (tmp_path / "images/labels.txt_0.jpg").write_bytes(header + bytes(40))
    dataset = simple(tmp_path, labels)
    assert dataset.sizes.tolist() == [[0, 0]]
    assert len(dataset.checksums) == 1


def test_absolute_paths_and_other_delimiters_are_taken_as_they_are(tmp_path: Path) -> None:
    write_lines(tmp_path, ["a"])
    labels = tmp_path / "absolute.txt"
    labels.write_text(f"{tmp_path}/images/labels.txt_0.jpg some text\n")
    assert simple(Path("/nowhere"), labels, delimiter=" ").sample(0).label == "some"


def test_a_list_that_changed_is_not_opened_in_another_process(tmp_path: Path) -> None:
    labels = write_lines(tmp_path, ["a", "b"])
    sent = pickle.dumps(simple(tmp_path, labels))
    assert len(sent) < 500
    assert pickle.loads(sent) is pickle.loads(sent)
    labels = write_lines(tmp_path, ["c"], "changed.txt")
    sent = pickle.dumps(simple(tmp_path, labels))
    os.utime(labels, ns=(1, 1))
    with pytest.raises(DataError, match="changed while it was in use"):
        pickle.loads(sent)
