"""Which images exist."""

from pathlib import Path

import pytest

from ocr_lib.data.labels.images import ImageNames, UncheckedNames


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


def test_unchecked_names_need_only_be_sane() -> None:
    names = ["a.png", "a/b.png", "..b.png", "a..b.png", "a ", "../a", "/a", "a/../b"]
    assert UncheckedNames().missing(names) == [4, 5, 6, 7]
