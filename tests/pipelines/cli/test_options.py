"""What is typed is checked before a command does anything, and named with what is wrong."""

import os
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from ocr_lib.errors import ConfigError
from pipelines.cli import options


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(b"x")
    (tmp_path / "result").mkdir()
    (tmp_path / "result" / "bundle.json").write_text("{}")
    (tmp_path / "labels.txt").write_text("a")
    (tmp_path / "loop").symlink_to("loop")
    monkeypatch.chdir(tmp_path)
    return tmp_path


LONG = "x" * 300
BAD_PATHS = {
    "": "is empty",
    "a\0b": "NUL",
    LONG: "too long",
    "x/" * 3000: "too long",
    "loop": "loop|level",
}
REPLACED = options.replaced_folder("bundle.json")


@pytest.mark.parametrize("bad", BAD_PATHS)
@pytest.mark.parametrize(
    "kind",
    [
        options.name_or_file,
        options.input_path,
        options.input_file,
        options.input_folder,
        options.output_file,
        options.output_folder,
        REPLACED,
    ],
)
def test_no_path_can_be_these(folder: Path, kind: Callable[[str], object], bad: str) -> None:
    with pytest.raises(click.BadParameter, match=f"(?i){BAD_PATHS[bad]}"):
        kind(bad)


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (options.input_path, "none", "none: no such file or folder"),
        (options.input_path, "labels.txt/x", "labels.txt is a file, not a folder"),
        (options.input_file, "images", "images: is a folder, not a file"),
        (options.input_folder, "labels.txt", "labels.txt: is a file, not a folder"),
        (options.output_file, "images", "images: is a folder, not a file"),
        (options.output_file, "labels.txt/x/y", "labels.txt is a file, not a folder"),
        (options.output_folder, "labels.txt", "labels.txt: is a file, not a folder"),
        (options.output_folder, "labels.txt/x", "labels.txt is a file, not a folder"),
        (REPLACED, "images", "images holds files of something else .bundle.json is missing"),
        (REPLACED, ".", "holds files of something else"),
        (options.count, "0", "'0' is not a whole number from 1 to"),
        (options.count, "9" * 5000, "is not a whole number"),
        (options.count, "1.0", "is not a whole number"),
        (options.fraction, "nan", "'nan' is not a number from 0 to 1"),
        (options.seconds, "inf", "'inf' is not a number from 0.001 to"),
        (options.port, "65536", "'65536' is not a whole number from 0 to 65535"),
    ],
)
def test_what_cannot_be_meant_is_named(
    folder: Path, kind: Callable[[str], object], value: str, words: str
) -> None:
    before = sorted(folder.rglob("*"))
    with pytest.raises(click.BadParameter, match=words):
        kind(value)
    assert sorted(folder.rglob("*")) == before


def test_what_can_be_meant_is_taken(folder: Path) -> None:
    assert options.input_file("labels.txt") == Path("labels.txt")
    assert options.output_file("labels.txt") == Path("labels.txt")
    assert options.output_file("new/deep/file.txt") == Path("new/deep/file.txt")
    assert options.output_folder("images") == Path("images")
    for folder_to_replace in ("result", "new", "result/x"):
        assert REPLACED(folder_to_replace) == Path(folder_to_replace)
    assert options.name_or_file("en") == "en"
    assert (options.count("7"), options.fraction("1"), options.port("0")) == (7, 1.0, 0)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
def test_what_this_user_may_not_touch_is_named(folder: Path) -> None:
    (folder / "labels.txt").chmod(0)
    (folder / "images").chmod(0o500)
    with pytest.raises(click.BadParameter, match="may not be read"):
        options.input_file("labels.txt")
    with pytest.raises(click.BadParameter, match="may not be written to"):
        options.output_file("images/new")


def test_the_rules_of_the_library_are_types_too() -> None:
    def even(value: str) -> int:
        if int(value) % 2:
            raise ConfigError("number", f"{value} is odd", "Give an even one")
        return int(value)

    assert options.Checked("number", even)("4") == 4
    with pytest.raises(click.BadParameter, match=r"^3 is odd\. Give an even one$"):
        options.Checked("number", even)("3")
