"""Which files a command reads, and how."""

from pathlib import Path

import pytest

from ocr_lib.errors import ImageError
from ocr_lib.inference.bundle import Bundle
from ocr_lib.inference.runtimes import open_bundle
from pipelines.cli.model import image_files
from pipelines.cli.model.image_files import find_images, read_files


def test_folders_stand_for_their_images_by_name(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpg", "notes.txt"):
        (tmp_path / name).touch()
    files = find_images([tmp_path / "notes.txt", tmp_path])
    assert [file.name for file in files] == ["notes.txt", "a.jpg", "b.PNG"]
    with pytest.raises(ImageError, match=r"none: no such file or folder\. Check the path"):
        find_images([tmp_path / "none"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageError, match="empty: no image in this folder"):
        find_images([tmp_path / "empty"])


def test_files_are_read_a_chunk_at_a_time_in_order(
    bundle: Bundle, run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_files, "CHUNK", 3)
    files = find_images([run_dir.parent / "eval/images"])[:7]
    recognizer = open_bundle(bundle.root)
    answers = dict(read_files(recognizer, files))
    assert list(answers) == files
    assert [answer.text for answer in answers.values()] == [
        recognizer.read([file.read_bytes()])[0].text for file in files
    ]
