from dataclasses import replace

from ocr_lib.evaluation.report import Spaces
from ocr_lib.report.changes import Changes
from ocr_lib.report.summary_cards import summary_cards
from tests.ocr_lib.report.page_reports import models


def test_figures_stand_with_their_intervals_and_changes() -> None:
    candidate, champion = models()
    cards = {
        card.name: card for card in summary_cards(candidate, champion, Changes(candidate, champion))
    }
    assert list(cards) == [
        "Lines read exactly",
        "Edit similarity",
        "Character errors",
        "F1 of spaces",
        "Unreadable images",
    ]
    exact = cards["Lines read exactly"]
    assert exact.value == "0.00%"
    assert exact.notes == [
        "95 % interval 0.0% – 3.1%",
        "−99.17 points (−100.00 to −97.50) vs serving",
    ]


def test_without_intervals_the_plain_difference_is_told() -> None:
    candidate, champion = models()
    old = replace(champion, cells=None)
    (exact, *_) = summary_cards(candidate, old, Changes(candidate, old))
    assert exact.notes[-1] == "−99.17 points vs serving"


def test_labels_without_spaces_have_no_figure_of_them() -> None:
    candidate = replace(models()[0], spaces=Spaces())
    assert "F1 of spaces" not in {
        card.name for card in summary_cards(candidate, None, Changes(candidate, None))
    }
