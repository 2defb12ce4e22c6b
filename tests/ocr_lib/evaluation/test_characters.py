"""Characters over samples: how often each is read, and what is read in its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.evaluation import characters as module
from ocr_lib.evaluation.characters import (
    CharacterCounter,
    Confusion,
    Kinds,
    Recall,
    script,
    source_of,
)
from tests.ocr_lib.tallied import tallied


@given(st.lists(st.tuples(st.text("ab ", max_size=12), st.text("ab ", max_size=12)), min_size=1))
def test_counts_add_up(pairs: list[tuple[str, str]]) -> None:
    report = tallied(*map(list, zip(*pairs, strict=True)))
    labels = "".join(truth for truth, _ in pairs)
    assert {c: r.count for c, r in report.characters.items()} == {
        c: labels.count(c) for c in set(labels)
    }
    for character, recall in report.characters.items():
        assert 0 <= recall.hits <= recall.count
        assert 0 <= recall.line_hits <= recall.lines <= recall.count
        assert recall.lines == sum(character in truth for truth, _ in pairs)
    if " " in report.characters:
        assert report.characters[" "].hits == report.spaces.hits
    assert sum(c.count for c in report.confusions) == round(report.cer * max(len(labels), 1))


def test_confusions_name_what_was_read_instead() -> None:
    report = tallied(["l0t", "l0t", "ab", "x", "x"], ["lOt", "lOt", "a", "xy", None])
    assert report.confusions == (
        Confusion("0", "O", 2),
        Confusion("", "y", 1),
        Confusion("b", "", 1),
    )
    assert report.characters["x"].hits == 1  # the unreadable one is missed, not confused


def test_recalls_are_by_character_and_by_line() -> None:
    counter = CharacterCounter()
    counter.add_right("aab")
    assert counter.add_wrong("a b", "b", readable=True) == 0
    assert counter.recalls() == {
        " ": Recall(1, 0, 1, 0),
        "a": Recall(3, 2, 2, 1),
        "b": Recall(2, 2, 2, 2),
    }
    assert counter.recalls()["a"].recall == pytest.approx(2 / 3)


def test_the_pairs_held_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CONFUSIONS", 4)
    counter = CharacterCounter()
    for _ in range(3):
        counter.add_wrong("0", "O", readable=True)
    for other in "abcdefghijkl":
        counter.add_wrong("1", other, readable=True)
    assert counter.confusions()[0] == Confusion("0", "O", 3)
    assert len(counter.confusions()) <= 4


def test_kinds_and_scripts_of_characters() -> None:
    assert Kinds().of("A 1-é") == {
        ("class", "letters"), ("class", "digits"), ("class", "spaces"), ("class", "punctuation"),
        ("class", "upper case"), ("class", "lower case"), ("script", "Latin"),
    }  # fmt: skip
    assert (script("語"), script("ひ"), script("é")) == ("Han", "Hiragana", "Latin")


def test_a_source_is_the_label_list_or_the_folder() -> None:
    assert [source_of(name) for name in ("l.txt:12", "a/b/c.png", "c.png")] == ["l.txt", "a/b", "."]
