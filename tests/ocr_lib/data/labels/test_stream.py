"""Odd lines among many ordinary ones: order, line numbers and counts across blocks."""

import random

import pytest

from ocr_lib.data.labels.blocks import BLOCK_BYTES
from ocr_lib.data.labels.convert import convert
from ocr_lib.errors import LabelError
from tests.ocr_lib.data.labels.folders import read_list, write_labels

LINES = 5000
ODD = {
    "ordinary": lambda i: f'word_{i % 9 + 1}.jpg, "text {i}"',
    "bare": lambda i: f"word_{i % 9 + 1}.jpg,text {i}",
    "missing": lambda i: f'word_{i + 100}.jpg, "text {i}"',
    "empty": lambda i: f'word_{i % 9 + 1}.jpg, ""',
    "blank": lambda i: "",
    "latin": lambda i: f'word_{i % 9 + 1}.jpg, "caf\udce9 {i}"',  # a byte that is not UTF-8
}


@pytest.mark.parametrize("odd_share", [0.0, 0.01, 0.5, 1.0])
def test_every_line_ends_where_it_belongs(tmp_path, odd_share):
    rng = random.Random(odd_share)
    kinds = [
        rng.choice(list(ODD)[1:]) if rng.random() < odd_share else "ordinary" for _ in range(LINES)
    ]
    text = "".join(f"{ODD[kind](i)}\n" for i, kind in enumerate(kinds))
    data = text.encode("utf-8", "surrogateescape")
    assert len(data) > 4 * BLOCK_BYTES
    source = write_labels(tmp_path / "in", data)
    report = convert(source, tmp_path / "out", mode="rec", max_bad_fraction=1)
    good = [i for i, kind in enumerate(kinds) if kind in ("ordinary", "bare")]
    assert read_list(tmp_path / "out") == [f"word_{i % 9 + 1}.jpg\ttext {i}" for i in good]
    assert (report.written, report.lines) == (len(good), LINES - kinds.count("blank"))
    expected = {"missing": "missing image", "empty": "empty label", "latin": "not UTF-8"}
    for kind, reason in expected.items():
        if kinds.count(kind):
            assert report.dropped[reason].count == kinds.count(kind)
            assert report.dropped[reason].examples[0]["where"] == f"gt.txt:{kinds.index(kind) + 1}"


def test_crlf_across_block_borders(tmp_path):
    lines = [f'word_{i % 9 + 1}.jpg, "{"x" * (i % 40 + 1)}"' for i in range(LINES)]
    source = write_labels(tmp_path / "in", "\r\n".join(lines) + "\r\n")
    report = convert(source, tmp_path / "out")
    assert report.changed["CRLF line end replaced by LF"].count == LINES
    assert len(read_list(tmp_path / "out")) == LINES
    assert "\r" not in (tmp_path / "out/labels.txt").read_text()


def test_a_line_without_end_is_refused(tmp_path):
    source = write_labels(tmp_path / "in", 'word_1.jpg, "A"\n' * 3000 + "x" * (3 << 20))
    with pytest.raises(LabelError, match="more than a megabyte"):
        convert(source, tmp_path / "out")
