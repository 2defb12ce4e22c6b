from ocr_lib.report.characters import marked, most_missed, unicode_name, visible
from tests.ocr_lib.report.page_reports import models


def test_the_characters_missed_most_often_come_first() -> None:
    candidate, champion = models()
    rows = most_missed(candidate, 2)
    assert [(character, recall.hits, recall.count) for character, recall in rows] == [
        (" ", 0, 120),
        ("X", 0, 60),
    ]
    assert {character for character, _ in most_missed(champion, 99)} == set("a 1<")


def test_characters_have_names() -> None:
    assert unicode_name("X") == "latin capital letter x"
    assert unicode_name("\x00") == "u+0000"


def test_spaces_are_shown() -> None:
    assert visible("a b") == "a␣b"


def test_what_differs_from_the_truth_is_marked() -> None:
    assert marked("abc", "abc") == [("abc", False)]
    assert marked("a bd", "abc") == [("a", False), ("␣", True), ("b", False), ("d", True)]
    assert marked("ac", "abc") == [("a", False), ("", True), ("c", False)]
    assert marked("", "abc") == [("nothing", True)]
