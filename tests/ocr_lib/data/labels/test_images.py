"""Which images exist."""

import os
import sys
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ocr_lib.data.labels.images import (
    ImageMatch,
    ImageNames,
    UncheckedNames,
    read_image,
    unicode_forms,
)
from ocr_lib.data.labels.report import MISSING_IMAGE, OTHER_CASE, OUTSIDE_LINK


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "images/deep").mkdir(parents=True)
    (tmp_path / "outside.png").touch()
    for name in ("a.png", "deep/b.png", "deep/c d.png"):
        (tmp_path / "images" / name).touch()
    return tmp_path / "images"


def test_missing_names_are_counted_by_position(root: Path) -> None:
    names = ImageNames(root)
    assert names.missing(["a.png", "x.png", "deep/b.png", "deep/c d.png", "deep/x", "no/a"]) == [
        1,
        4,
        5,
    ]
    assert names.missing(["a.png", "deep/b.png"]) == []


def test_a_folder_is_no_image(root: Path) -> None:
    assert ImageNames(root).missing(["deep"]) == [0]


def test_nothing_outside_of_the_folder_is_looked_at(root: Path) -> None:
    assert ImageNames(root).missing(["../outside.png", str(root / "a.png")]) == [0, 1]


def test_a_folder_is_listed_once(root: Path) -> None:
    names = ImageNames(root)
    assert names.missing(["deep/b.png"]) == []
    (root / "deep/late.png").touch()
    assert names.missing(["deep/late.png"]) == [0]


def test_missing_images_cost_what_their_own_folder_holds(tmp_path: Path) -> None:
    calls = Counter[int]()
    for folders in (20, 40):
        root = tmp_path / str(folders)
        for i in range(folders):
            (root / str(i)).mkdir(parents=True)
            for j in range(10):
                (root / f"{i}/{j}.png").touch()
        images = ImageNames(root)
        missing = [f"{i}/x.png" for i in range(folders)]
        assert len(images.missing(missing)) == folders
        sys.setprofile(lambda *_, key=folders: calls.update([key]))
        try:
            matches = [images.match(name) for name in missing]
        finally:
            sys.setprofile(None)
        assert {match.reason for match in matches} == {MISSING_IMAGE}
    assert calls[40] < 2.5 * calls[20]


def test_unchecked_names_need_only_be_sane() -> None:
    names = ["a.png", "a/b.png", "..b.png", "a..b.png", "a ", "../a", "/a", "a/../b"]
    assert UncheckedNames().missing(names) == [4, 5, 6, 7]


def test_only_regular_files_inside_the_folder_are_images(root: Path) -> None:
    os.mkfifo(root / "pipe.png")
    (root / "zero.png").symlink_to("/dev/zero")
    (root / "out.png").symlink_to("../outside.png")
    (root / "in.png").symlink_to("deep/b.png")
    (root / "etc").symlink_to("/etc")
    (root / "loop").symlink_to("loop")
    (root / "dangling.png").symlink_to("none.png")
    names = ImageNames(root)
    asked = ["in.png", "pipe.png", "zero.png", "out.png", "etc/passwd", "loop/a", "dangling.png"]
    assert names.missing(asked) == [1, 2, 3, 4, 5, 6]
    assert [names.match(name).reason for name in asked[1:]] == [
        "image is no regular file",
        OUTSIDE_LINK,
        OUTSIDE_LINK,
        OUTSIDE_LINK,
        "image folder cannot be read (Too many levels of symbolic links)",
        MISSING_IMAGE,
    ]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("d" * 300 + "/a.png", "image folder cannot be read (File name too long)"),
        ("d/" * 3000 + "a.png", "image folder cannot be read (File name too long)"),
        ("a\0b/a.png", "NUL in the image path"),
        ("a.png/x", MISSING_IMAGE),
        ("A.PNG", OTHER_CASE),
        ("deep\\B.png", OTHER_CASE),
        ("Deep/b.png", MISSING_IMAGE),
    ],
)
def test_why_an_image_is_missing_is_said(root: Path, name: str, reason: str) -> None:
    names = ImageNames(root)
    assert names.missing([name]) == [0]
    assert names.match(name) == ImageMatch(None, reason)


@pytest.mark.parametrize("on_disk", ["NFC", "NFD"])
@pytest.mark.parametrize("named", ["NFC", "NFD"])
def test_names_are_compared_in_one_unicode_form(root: Path, on_disk: Any, named: Any) -> None:
    path = unicodedata.normalize(on_disk, "über/é.png")
    (root / path).parent.mkdir()
    (root / path).touch()
    name = unicodedata.normalize(named, "über/é.png")
    names = ImageNames(root)
    assert names.missing([name]) == ([0] if on_disk != named else [])
    match = names.match(name.replace("/", "\\"))
    assert match.name == path
    assert "backslash" in match.reason
    if on_disk != named:
        assert names.match(name).name == path
        assert "Unicode form" in names.match(name).reason


def test_an_image_is_read_by_any_form_of_its_name_and_inside_its_root_only(root: Path) -> None:
    (root / "e\u0301.png").write_bytes(b"1")
    (root / "out.png").symlink_to("../outside.png")
    (root / "in.png").symlink_to("e\u0301.png")
    (root / "etc").symlink_to("/etc")
    below = str(root.resolve())
    assert read_image(f"{root}/\u00e9.png", below) == b"1"
    assert read_image(f"{root}/in.png", below) == b"1"
    assert read_image(f"{root}/out.png") == b""
    for name in ("out.png", "etc/passwd"):
        with pytest.raises(OSError, match=OUTSIDE_LINK):
            read_image(f"{root}/{name}", below)
    with pytest.raises(FileNotFoundError):
        read_image(f"{root}/none.png", below)
    with pytest.raises(ValueError, match="null byte"):
        read_image(f"{root}/a\0.png", below)


def test_a_path_has_few_forms() -> None:
    assert list(unicode_forms("a/b.png")) == ["a/b.png"]
    assert next(unicode_forms("é/ü.png")) == "é/ü.png"
    assert len(set(unicode_forms("é/ü.png"))) == 4
