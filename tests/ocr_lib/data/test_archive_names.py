"""Names in archives: which are safe, and which code page they are in."""

import logging
from pathlib import Path, PurePosixPath

import pytest

from ocr_lib.data.archive_names import (
    decode_tree,
    guess_encoding,
    is_undecoded,
    member_path,
)
from ocr_lib.errors import DataError


@pytest.mark.parametrize(
    ("name", "is_folder", "path"),
    [
        ("a/b.png", False, "a/b.png"),
        ("./a//b.png", False, "a/b.png"),
        ("a\\b.png", False, "a/b.png"),
        ("a/", True, "a"),
        ("./", True, "."),
        ("..a/b..", False, "..a/b.."),
    ],
)
def test_paths_below_the_folder_are_taken(name: str, is_folder: bool, path: str) -> None:
    assert member_path(name, is_folder) == PurePosixPath(path)


@pytest.mark.parametrize(
    "name", ["/a", "../a", "a/../../b", "\\a", "..\\a", "c:\\a", "C:a", "a\0", "", ".", "a/", "a\\"]
)
def test_other_paths_are_not(name: str) -> None:
    with pytest.raises(ValueError, match=r"folder|NUL|no file name"):
        member_path(name, is_folder=False)


def test_half_of_a_character_is_no_separator() -> None:
    name = "表.png".encode("cp932").decode("utf-8", "surrogateescape")
    assert "\\" in name
    assert is_undecoded(name)
    assert member_path(name, is_folder=False).parts == (name,)


@pytest.mark.parametrize(
    ("encoding", "expected", "names"),
    [
        ("gbk", "gb18030", ["发票", "第一张图片", "收据"]),
        ("cp932", "cp932", ["領収書の画像", "テスト"]),
        ("cp949", "cp949", ["영수증그림", "첫번째사진"]),
        ("big5", "big5", ["發票圖片", "國"]),
        ("cp866", "cp866", ["Чеки", "накладная"]),
        ("cp437", "cp437", ["Übung", "façade", "Größe"]),
        ("cp1252", "cp1252", ["Übung", "façade", "Größe"]),
    ],
)
def test_the_code_page_is_guessed_by_its_letters(
    encoding: str, expected: str, names: list[str]
) -> None:
    raw = [f"set/{name}.png".encode(encoding) for name in names]
    assert guess_encoding(raw, []) == expected
    assert [name.decode(expected) for name in raw] == [f"set/{name}.png" for name in names]


@pytest.mark.parametrize(
    ("encoding", "name"), [("cp949", "그림"), ("big5", "中文"), ("cp866", "ПР"), ("gbk", "图")]
)
def test_label_files_say_it_with_certainty(encoding: str, name: str) -> None:
    raw = [b"a/" + f"{name}.png".encode(encoding), b"\xff\xfe.png"]
    guessed = guess_encoding(raw, [b"x.png\tother\n", f"{name}.png\ttext\n".encode()])
    assert raw[0].decode(guessed) == f"a/{name}.png"


def test_a_tree_gets_readable_names(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    by_chance, undecoded, utf8 = "图片\\一.png", "第一\\图.png", "中文/é.png"
    for name in (by_chance, undecoded):
        path = tmp_path / "a" / name.encode("gbk").decode("utf-8", "surrogateescape")
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (tmp_path / "中文").mkdir()
    (tmp_path / utf8).touch()
    with caplog.at_level(logging.WARNING):
        decode_tree(tmp_path, None, "set.zip")
    found = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())
    assert found == sorted(["a/图片/一.png", "a/第一/图.png", utf8])
    assert "set.zip: 1 names are not UTF-8, they are read as gb18030: a/第一" in caplog.text


def test_two_names_that_become_one_are_refused(tmp_path: Path) -> None:
    (tmp_path / "中.png").touch()
    (tmp_path / "中.png".encode("gbk").decode("utf-8", "surrogateescape")).touch()
    with pytest.raises(DataError, match=r"a second file of the name 中.png"):
        decode_tree(tmp_path, "gbk", "set.zip")


def test_a_wrong_code_page_is_named(tmp_path: Path) -> None:
    (tmp_path / "中.png".encode("gbk").decode("utf-8", "surrogateescape")).touch()
    with pytest.raises(DataError, match=r"the name is not euc_jis_2004|the name is not ascii"):
        decode_tree(tmp_path, "ascii", "set.zip")
