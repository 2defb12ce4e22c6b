"""`ocr gen-label`: archives, label files, PaddleOCR's bytes."""

import io
import tarfile

import pytest

from ocr_lib.errors import LabelError
from tests.ocr_lib.data.archives import make_raw_zip
from tests.pipelines.cli.command import call

LABELS = b'\xef\xbb\xbfa.jpg, "A, B"\nb.jpg, "C D"\n'


@pytest.fixture
def archive(tmp_path):
    with tarfile.open(tmp_path / "set.tar", "w") as tar:
        for name, content in {"gt.txt": LABELS, "a.jpg": b"", "b.jpg": b""}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return tmp_path / "set.tar"


def test_an_archive_is_unpacked_and_converted(archive, tmp_path, capsys):
    assert call("gen-label", archive, tmp_path / "out") == 0
    assert (tmp_path / "out/labels.txt").read_text() == "a.jpg\tA, B\nb.jpg\tC D\n"
    printed = capsys.readouterr().out
    assert "form    ICDAR recognition labels" in printed
    assert "changed 1: byte-order mark removed, first at gt.txt:1" in printed
    assert "wrote   2 of 2 lines" in printed


def test_compat_prints_what_paddleocr_would(archive, tmp_path):
    call("gen-label", archive, tmp_path / "out", "--compat")
    assert (tmp_path / "out/labels.txt").read_text() == "\ufeffa.jpg\tA\nb.jpg\tCD\n"


def test_a_label_file_with_images_elsewhere(tmp_path):
    (tmp_path / "gt.txt").write_bytes(LABELS)
    with pytest.raises(LabelError, match="missing image"):
        call("gen-label", tmp_path / "gt.txt", tmp_path / "out")
    assert call("gen-label", tmp_path / "gt.txt", tmp_path / "out", "--no-check-images") == 0


def test_the_code_page_of_names_can_be_given(tmp_path):
    label_line = '图片.png, "a"\n'.encode()
    archive = make_raw_zip(
        tmp_path / "old.zip", {"图片.png".encode("gbk"): b"1", b"gt.txt": label_line}
    )
    with pytest.raises(LabelError, match="missing image"):
        call("gen-label", archive, tmp_path / "out")
    assert call("gen-label", archive, tmp_path / "out", "--names-encoding", "gbk") == 0
    assert (tmp_path / "out/labels.txt").read_text("utf-8") == "图片.png\ta\n"


def test_lines_that_placeholders_cost_are_a_warning(tmp_path, capsys):
    (tmp_path / "gt.txt").write_text("a.jpg\t###\nb.jpg\ttemporary\n")
    assert call("gen-label", tmp_path / "gt.txt", tmp_path / "out", "--no-check-images") == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("warning: 1 of 2 lines (50.00%) are left out")
    assert (tmp_path / "out/labels.txt").read_text() == "b.jpg\ttemporary\n"
