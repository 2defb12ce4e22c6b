"""Labels that are no text are left out, counted, and no fault of the data set."""

import json
from pathlib import Path

import pytest

from ocr_lib.data.labels.convert import convert
from ocr_lib.data.labels.placeholders import MARKS, PLACEHOLDERS, REASON, Placeholders
from ocr_lib.errors import LabelError
from tests.ocr_lib.data.labels.folders import read_list, write_labels


@pytest.mark.parametrize(
    "label", [*PLACEHOLDERS, *MARKS, "###", "#######", " ### ", "[UNK]", "<Unk>"]
)
def test_placeholders_are_known(label: str) -> None:
    assert label in Placeholders()


WORDS = ["Temporary", "temporary", "模糊", "看不清", "无法识别", "判読不能", "unk", "illegible"]
SIGNS = ["#", "##", "# 3", "###1", "A ###", "*", "n/a", "待识别的", ""]


@pytest.mark.parametrize("label", WORDS + SIGNS)
def test_texts_are_none(label: str) -> None:
    assert label not in Placeholders()


def test_the_list_can_be_extended() -> None:
    more = Placeholders(["TODO", "?"])
    assert more.positions(["a", "TODO", "?", "###", "??", "todo"]) == [1, 2, 3]


def converted(tmp_path: Path, content: str, name: str, **options: object) -> tuple[dict, list[str]]:
    source = write_labels(tmp_path / "in", content, name=name)
    convert(source / name, tmp_path / "out", **options)
    return json.loads((tmp_path / "out/report.json").read_text("utf-8")), read_list(
        tmp_path / "out"
    )


@pytest.mark.parametrize(
    ("name", "form"), [("rec_gt.txt", "word_{}.jpg\t{}"), ("gt.txt", 'word_{}.jpg, "{}"')]
)
def test_they_are_dropped_and_counted_in_every_form(tmp_path: Path, name: str, form: str) -> None:
    labels = ["待识别", "12 kg", "###", "####", "TODO"]
    content = "\n".join(form.format(i, label) for i, label in enumerate(labels, 1))
    report, written = converted(tmp_path, content, name, placeholders=["TODO"])
    assert written == ["word_2.jpg\t12 kg"]
    assert report["dropped"].keys() == {REASON}
    assert report["dropped"][REASON]["count"] == 4
    assert report["dropped"][REASON]["examples"][0]["where"] == f"{name}:1"
    assert report["warning"].startswith(
        "4 of 5 lines (80.00%) are left out, because their label is a placeholder and no text; "
        f"the first is {name}:1 "
    )


def test_without_a_placeholder_there_is_no_warning(tmp_path: Path) -> None:
    assert converted(tmp_path, "word_1.jpg\tTemporary\n", "rec_gt.txt")[0]["warning"] == ""


def test_a_list_of_nothing_else_is_refused_by_its_cause(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="no text in it: placeholder in place of a text 2"):
        converted(tmp_path, "word_1.jpg\t待识别\nword_2.jpg\t###\n", "rec_gt.txt")
