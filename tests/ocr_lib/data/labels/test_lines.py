"""What the forms of label lines share."""

import pytest

from ocr_lib.data.labels.lines import BadLine, Parsed, check, leaves_folder


def test_a_line_is_path_tab_label() -> None:
    assert Parsed(["a.png"], "text").line("") == "a.png\ttext\n"
    assert Parsed(["a.png"], "text").line("det/") == "det/a.png\ttext\n"


def test_several_images_are_a_json_list() -> None:
    assert Parsed(["a.png", "é.png"], "text").line("x/") == '["x/a.png", "x/é.png"]\ttext\n'


@pytest.mark.parametrize(
    ("images", "label", "reason"),
    [
        ([""], "a", "no image name"),
        (["a.png", ""], "a", "no image name"),
        (["a.png", "../b.png"], "a", "image path outside the image folder"),
        (["/etc/a.png"], "a", "image path outside the image folder"),
        (["a.png", "b\n.png"], "a", "character in the image path that a label list cannot hold"),
        (["a\0.png"], "a", "character in the image path that a label list cannot hold"),
        (["\ud800.png"], "a", "character in the image path that a label list cannot hold"),
        (["a.png"], "", "empty label"),
        (["a.png"], "a\tb", "tab inside the label"),
    ],
)
def test_what_no_sample_can_have_is_refused(images: list[str], label: str, reason: str) -> None:
    with pytest.raises(BadLine, match=reason):
        check(Parsed(images, label))


@pytest.mark.parametrize(
    ("label", "note"),
    [
        ("a\x07b", "control character"),
        ("a\u2028b", "control character"),
        ("a\u202eb", "bidirectional control"),
        ("a\u200bb", "invisible character"),
        ("a\ufffdb", "replacement character"),
        ("end ", "space at an end"),
        (" start", "space at an end"),
        ("two  spaces", "several spaces in a row"),
        ("1\u00a0000", "unusual space"),
        ("全角\u3000空白", "unusual space"),
        ("thin\u2009space", "unusual space"),
    ],
)
def test_what_may_be_a_mistake_is_noted_and_kept(label: str, note: str) -> None:
    parsed = Parsed(["a.png"], label)
    check(parsed)
    assert parsed.label == label
    assert len(parsed.notes) == 1
    assert parsed.notes[0].startswith(note)


@pytest.mark.parametrize("label", ["a b", "می\u200cخواهم", "क\u094d\u200dष", "é漢"])
def test_joiners_and_letters_are_no_mistake(label: str) -> None:
    parsed = Parsed(["a.png"], label)
    check(parsed)
    assert parsed.notes == []


@pytest.mark.parametrize(
    ("path", "leaves"),
    [("a/b", False), ("..a", False), ("a/..", True), ("../a", True), ("/a", True), ("", False)],
)
def test_paths_that_leave_the_folder(path: str, leaves: bool) -> None:
    assert leaves_folder(path) is leaves


def test_what_is_hidden_in_a_path_is_noted_like_what_is_hidden_in_a_label() -> None:
    parsed = Parsed(["\x1b[31m\u202e.png"], "a\u200b")
    check(parsed)
    assert parsed.notes == [
        "control character in the image path, kept",
        "bidirectional control in the image path, kept",
        "invisible character in the label, kept",
    ]
