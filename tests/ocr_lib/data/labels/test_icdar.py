import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.data.labels.convert import convert
from ocr_lib.data.labels.icdar import IcdarForm
from ocr_lib.data.labels.lines import BadLine
from tests.ocr_lib.data.labels.folders import read_list, write_labels

LABELS = [
    ('word_1.jpg, "CASH"', "CASH"),
    ('word_1.jpg, "BANDAR PUTERI, 47100, SELANGOR"', "BANDAR PUTERI, 47100, SELANGOR"),
    ('word_1.jpg, "3.5"X6""', '3.5"X6"'),
    ('word_1.jpg, "  two  spaces "', "  two  spaces "),
    ('word_1.jpg, "a, "b", c"', 'a, "b", c'),
    ('word_1.jpg, """', '"'),
    ('word_1.jpg, " "', " "),
    ('word_1.jpg, "U\\PRICE"', "U\\PRICE"),
    ('word_1.jpg, "\\"A\\""', '\\"A\\"'),
    ('word_1.jpg,"tight"', "tight"),
    ('  word_1.jpg  ,   "loose"  ', "loose"),
    ("word_1.jpg, bare", "bare"),
    ("word_1.jpg,bare, with comma ", "bare, with comma "),
    ('word_1.jpg, "half', '"half'),
    ('word_1.jpg, 12"', '12"'),
    ('word_1.jpg, "发票 合计"', "发票 合计"),
]


@pytest.mark.parametrize(("line", "label"), LABELS)
def test_no_character_of_a_label_is_lost(tmp_path, line, label):
    convert(write_labels(tmp_path / "in", f"{line}\n"), tmp_path / "out", mode="rec")
    assert read_list(tmp_path / "out") == [f"word_1.jpg\t{label}"]


def test_bom_crlf_blank_lines_and_a_last_line_without_end(tmp_path):
    content = '\ufeffword_1.jpg, "A"\r\n\r\nword_2.jpg, "B"\r\nword_3.jpg, "C"'
    report = convert(write_labels(tmp_path / "in", content), tmp_path / "out")
    assert read_list(tmp_path / "out") == ["word_1.jpg\tA", "word_2.jpg\tB", "word_3.jpg\tC"]
    assert (report.lines, report.written, report.dropped) == (3, 3, {})
    changed = json.loads((tmp_path / "out/report.json").read_text())["changed"]
    assert changed["byte-order mark removed"]["count"] == 1
    assert changed["CRLF line end replaced by LF"]["count"] == 3
    assert changed["CRLF line end replaced by LF"]["examples"][0]["where"] == "gt.txt:1"


def test_image_names_may_have_spaces_and_folders(tmp_path):
    write_labels(tmp_path / "in", 'a b/word 1.jpg, "A"\n./c.jpg, "C"\n')
    (tmp_path / "in/a b").mkdir()
    (tmp_path / "in/a b/word 1.jpg").touch()
    (tmp_path / "in/c.jpg").touch()
    convert(tmp_path / "in", tmp_path / "out", image_prefix="train/")
    assert read_list(tmp_path / "out") == ["train/a b/word 1.jpg\tA", "train/./c.jpg\tC"]


def test_unescape_replaces_what_escaped_sets_write(tmp_path):
    source = write_labels(tmp_path / "in", 'word_1.jpg, "\\"A\\" \\\\ \\n"\n')
    report = convert(source, tmp_path / "out", unescape=True)
    assert read_list(tmp_path / "out") == ['word_1.jpg\t"A" \\ \\n']
    assert report.changed["escaped quote or backslash replaced"].count == 1


def test_escapes_are_reported_where_they_are_kept(tmp_path):
    source = write_labels(tmp_path / "in", 'word_1.jpg, "\\"A\\""\n')
    assert any("escaped quote" in reason for reason in convert(source, tmp_path / "out").changed)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('word_1.jpg, ""', "empty label"),
        ("word_1.jpg,", "empty label"),
        (', "A"', "no image name"),
        ("word_1.jpg TEXT", "no comma after the image name"),
        ('word_1.jpg, "a\tb"', "tab inside the label"),
        ('../word_1.jpg, "A"', "image path outside the image folder"),
        ('/etc/passwd, "A"', "image path outside the image folder"),
    ],
)
@pytest.mark.parametrize("check_images", [True, False])
def test_bad_lines_are_dropped_and_counted(tmp_path, line, reason, check_images):
    source = write_labels(tmp_path / "in", f'word_1.jpg, "A"\n{line}\nword_2.jpg, "B"\n')
    report = convert(source, tmp_path / "out", max_bad_fraction=0.5, check_images=check_images)
    assert read_list(tmp_path / "out") == ["word_1.jpg\tA", "word_2.jpg\tB"]
    assert report.dropped[reason].examples == [{"where": "gt.txt:2", "text": line}]
    assert (report.lines, report.written, report.bad) == (3, 2, 1)


def test_missing_images_are_dropped_unless_nobody_asks(tmp_path):
    content = 'word_1.jpg, "A"\nword_77.jpg, "B"\nnowhere/word_1.jpg, "C"\n'
    source = write_labels(tmp_path / "in", content)
    report = convert(source, tmp_path / "out", max_bad_fraction=0.7)
    assert read_list(tmp_path / "out") == ["word_1.jpg\tA"]
    assert [e["where"] for e in report.dropped["missing image"].examples] == [
        "gt.txt:2",
        "gt.txt:3",
    ]
    assert convert(source, tmp_path / "out", check_images=False).written == 3


@pytest.mark.parametrize(
    ("character", "word"),
    [("\r", "control"), ("\x85", "control"), ("\u202e", "bidirectional"), ("\u200b", "invisible"),
     ("\ufffd", "replacement"), ("\u2028", "control"), ("\x00", "control")],
)  # fmt: skip
def test_suspect_characters_are_kept_and_reported(tmp_path, character, word):
    source = write_labels(tmp_path / "in", f'word_1.jpg, "a{character}b"\nword_2.jpg, "B"\n')
    report = convert(source, tmp_path / "out")
    assert read_list(tmp_path / "out") == [f"word_1.jpg\ta{character}b", "word_2.jpg\tB"]
    (reason,) = report.changed
    assert reason.startswith(word)


def test_joiners_are_part_of_the_writing(tmp_path):
    source = write_labels(tmp_path / "in", 'word_1.jpg, "می\u200cخواهم"\n')
    assert convert(source, tmp_path / "out").changed == {}


NAMES = (
    st.text(st.sampled_from("ab1_. -é"), min_size=1, max_size=8)
    .map(lambda name: name.strip(" "))
    .filter(bool)
)
TEXTS = st.text(min_size=1, max_size=20).filter(lambda text: not set(text) & set("\n\t"))


@given(NAMES, TEXTS)
def test_common_pattern_and_parser_agree(name, label):
    line = f'{name}, "{label}"'
    parsed = IcdarForm().parse(line)
    assert (parsed.images, parsed.label) == ([name], label)
    match = IcdarForm.common.fullmatch(line)
    assert match is None or match.groups() == (name, ",", label)


@given(st.text(max_size=40).filter(lambda text: "\n" not in text))
def test_what_the_common_pattern_takes_the_parser_takes_alike(line):
    match = IcdarForm.common.fullmatch(line)
    try:
        parsed = IcdarForm().parse(line)
    except BadLine:
        assert match is None
        return
    if match:
        assert (parsed.images, parsed.label) == ([match[1].rstrip(" ")], match[3])
        assert parsed.notes == []
