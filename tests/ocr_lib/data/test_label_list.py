import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.data.label_list import LabelLine, read_label_list
from ocr_lib.errors import LabelError


def lines(tmp_path, data, **options):
    (tmp_path / "labels.txt").write_bytes(data if isinstance(data, bytes) else data.encode())
    return list(read_label_list(tmp_path / "labels.txt", **options))


def test_columns_line_ends_and_numbers(tmp_path):
    read = lines(tmp_path, "\ufeffa.jpg\t x y \r\n\nb c.jpg\tz\t120\t32\nd.jpg\t\ne.jpg\tw")
    assert read == [
        LabelLine(1, ("a.jpg",), " x y "),
        LabelLine(3, ("b c.jpg",), "z"),
        LabelLine(4, ("d.jpg",), ""),
        LabelLine(5, ("e.jpg",), "w"),
    ]


def test_several_images_and_another_delimiter(tmp_path):
    assert lines(tmp_path, '["a.jpg", "b.jpg"]\tx\n') == [LabelLine(1, ("a.jpg", "b.jpg"), "x")]
    assert lines(tmp_path, "a.jpg x\n", delimiter=" ") == [LabelLine(1, ("a.jpg",), "x")]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("b.jpg TOTAL", "a space where a tab belongs"),
        ("b.jpg;TOTAL", "wrong separator"),
        ('b.jpg, "TOTAL"', "gen-label"),
        ("TOTAL", "no '\\\\t' between"),
        ('b.jpg\t[{"transcription": "a", "points": [[1, 2]]}]', "a detection list"),
    ],
)
def test_other_forms_are_named_with_their_line(tmp_path, line, message):
    with pytest.raises(LabelError, match=message) as error:
        lines(tmp_path, f"a.jpg\tA\n{line}\n")
    assert error.value.where.endswith("labels.txt:2")


def test_bad_bytes_and_no_file(tmp_path):
    with pytest.raises(LabelError, match=r"labels\.txt:2: not UTF-8 from byte 7"):
        lines(tmp_path, b"a.jpg\tA\nb.jpg\t\xff\n")
    with pytest.raises(LabelError, match="no such label list"):
        list(read_label_list(tmp_path / "absent.txt"))


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\n\r\t"))


@given(st.lists(st.tuples(st.sampled_from(["a.jpg", "b c/d.png"]), TEXT)))
def test_what_was_written_is_read(tmp_path_factory, pairs):
    content = "".join(f"{path}\t{label}\n" for path, label in pairs)
    read = lines(tmp_path_factory.mktemp("list"), content)
    assert [(line.paths[0], line.label) for line in read] == pairs


def test_a_list_is_read_within_bounds(tmp_path):
    with pytest.raises(LabelError, match=r"labels.txt:2: a line of more than a megabyte"):
        lines(tmp_path, b"a.jpg\tx\n" + b"y" * (2 << 20))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(LabelError, match=r"cannot be read \(not a regular file\)"):
        list(read_label_list(tmp_path / "pipe"))
