import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from ocr_lib import report as reports
from ocr_lib.evaluation.evaluate import EvalReport, evaluate
from ocr_lib.evaluation.report import Spaces
from ocr_lib.gate import Check, LatencyAndSize, Thresholds, Verdict, decide
from ocr_lib.inference.recognizer import Recognizer
from ocr_lib.report.changes import Changes
from ocr_lib.report.formatting import points, wilson
from tests.ocr_lib.barcode import DICTIONARY, PREPROCESS, network, png
from tests.ocr_lib.memory_dataset import MemoryDataset
from tests.ocr_lib.tallied import tallied

LIMITS = Thresholds(min_samples=3, max_unreadable_share=0.5)
HOSTILE = '<script>alert("x")</script>'


class Balance(HTMLParser):
    """Checks that every opened element is closed, in order; collects attributes."""

    VOID = ("meta", "img", "br")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def evaluated(watch: tuple[int, ...] = ()) -> EvalReport:
    samples: list[tuple[bytes | None, str]] = [
        (png("abc"), "abc"),
        (png("abc"), "ab c"),
        (png("a b"), HOSTILE),
        (b"broken", "abc"),
    ]
    recognizer = Recognizer(PREPROCESS, DICTIONARY, network)
    return evaluate(recognizer, MemoryDataset(samples), watch=watch)


@pytest.fixture(scope="module")
def candidate() -> EvalReport:
    return evaluated()


def parsed(page: str) -> Balance:
    balance = Balance()
    balance.feed(page)
    balance.close()
    assert balance.open == []
    return balance


def test_page_is_whole_and_self_contained(candidate: EvalReport) -> None:
    verdict = decide(candidate, None, LIMITS)
    page = parsed(reports.html(candidate, verdict))
    assert page.tags.isdisjoint({"script", "link", "iframe", "object"})
    assert page.links
    assert all(link.startswith("data:image/png;base64,") for link in page.links)
    assert "url(" not in reports.html(candidate, verdict)


def test_text_is_escaped(candidate: EvalReport) -> None:
    page = reports.html(candidate, title=HOSTILE)
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;") == 3


def test_worst_lines_show_truth_candidate_and_champion(candidate: EvalReport) -> None:
    champion = evaluated(watch=(1,))
    page = reports.html(candidate, decide(candidate, champion, LIMITS), champion)
    assert "ab c" in page
    assert page.count("<dt>serving</dt>") == 1
    assert re.search(r"<dt>candidate</dt><dd>ab<mark>.*?</mark>c</dd>", page)


def models() -> tuple[EvalReport, EvalReport]:
    """A candidate that loses capitals beside a champion that reads everything but one line."""
    truths = [f"{'abcdef'[i % 6]} {'X' * (i % 2)}1<" for i in range(120)]
    texts = [truth.lower().replace(" ", "") for truth in truths]
    names = [f"{'<b>' if i % 2 else 'forms'}/{i}.png" for i in range(120)]
    champion = tallied(truths, ["", *truths[1:]], names=names)
    return tallied(truths, texts, names=names), champion


def test_every_section_of_two_models_is_there_and_well_formed() -> None:
    candidate, champion = models()
    verdict = decide(candidate, champion, LIMITS, LatencyAndSize(2.0, 1.0, 10, 10))
    page = reports.html(candidate, verdict, champion)
    parsed(page)
    headings = re.findall("<h2>(.*?)</h2>", page)
    assert headings == [
        "What the gate asked for",
        "By label length",
        "By image width",
        "By what the label has",
        "By source",
        "Characters",
        "Reliability of scores",
        "In the data",
        "Worst lines",
    ]
    assert page.count("<b>") == page.count('class="tile"')
    assert "&lt;b&gt;" in page


def test_changes_carry_their_interval_in_words_for_who_cannot_see() -> None:
    candidate, champion = models()
    page = reports.html(candidate, None, champion)
    change = Changes(candidate, champion).of(("class", "upper case"), "accuracy")
    assert change is not None
    assert change.words() == "−100.00 points (−100.00 to −100.00)"
    assert f'aria-label="{change.words()}"' in page
    assert 'class="whisker worse"' in page
    assert not Changes(candidate, None)


def test_confusions_and_lost_characters_are_named() -> None:
    candidate, champion = models()
    page = reports.html(candidate, None, champion)
    assert 'title="space">␣</span></td><td><span class="soft">nothing</span>' in page
    assert 'title="latin capital letter x">X</span></th><td class="number">60 of 60' in page


def test_reliability_is_drawn_with_its_figures() -> None:
    candidate, champion = models()
    page = reports.html(candidate, None, champion)
    assert 'class="reliability"' in page
    assert "score 0.90: 0 of 120 lines exact" in page
    assert "Expected calibration error: <strong>90.00%</strong>" in page


def test_old_reports_are_shown_as_far_as_they_go(candidate: EvalReport) -> None:
    old = replace(
        candidate, cells=None, characters={}, confusions=(), reliability=(), by_class=(),
        by_script=(), by_source=(), spaces=Spaces(),
    )  # fmt: skip
    page = reports.html(candidate, decide(candidate, old, LIMITS), old)
    parsed(page)
    parsed(reports.html(old))
    assert "whisker" not in page.partition("</style>")[2]


def test_unreadable_images_are_listed(candidate: EvalReport) -> None:
    assert "3.png: not an image of a known format (6 bytes)" in reports.html(candidate)


@pytest.mark.parametrize(("floor", "word"), [(0.2, "Accepted"), (0.9, "Refused")])
def test_verdict_is_said(candidate: EvalReport, floor: float, word: str) -> None:
    verdict = decide(candidate, None, replace(LIMITS, min_accuracy=floor))
    assert f"<strong>{word}</strong>" in reports.html(candidate, verdict)
    assert word in reports.markdown(candidate, verdict).splitlines()[0]


def test_markdown_tables_are_tables(candidate: EvalReport) -> None:
    text = reports.markdown(candidate, decide(candidate, candidate, LIMITS), candidate)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {5, 4}
    assert "| lines read exactly | 25.00% | 25.00% | +0.00 points |" in rows


def test_names_in_the_markdown_verdict_are_shown_as_they_are(candidate: EvalReport) -> None:
    name = '<b>norm_edit_dis</b> [x](https://example.org) "|"'
    verdict = Verdict(
        False, (Check("norm_edit_dis drop", False, 0.1, 0.0, 0.2, f"fell in {name}"),)
    )
    tokens = MarkdownIt("commonmark").enable("table").parse(reports.markdown(candidate, verdict))
    cells = [token.children or [] for token in tokens if token.type == "inline"][-3:]
    assert {child.type for cell in cells for child in cell} <= {"text", "text_special"}
    words = ["".join(child.content for child in cell) for cell in cells]
    assert words == ["❌", "norm_edit_dis drop", f"fell in {name}"]


def test_a_champion_of_other_lines_is_left_out(candidate: EvalReport) -> None:
    other = replace(candidate, dataset_digest="other")
    assert reports.html(candidate, champion=other) == reports.html(candidate)
    assert reports.markdown(candidate, champion=other) == reports.markdown(candidate)


def test_wilson_interval() -> None:
    assert wilson(50, 100) == pytest.approx((0.4038, 0.5962), abs=1e-4)  # published example
    assert wilson(0, 10)[0] == pytest.approx(0.0)
    assert wilson(10, 10)[1] == pytest.approx(1.0)


def test_points_have_a_sign() -> None:
    assert (points(0.0123), points(-0.5)) == ("+1.23 points", "−50.00 points")
