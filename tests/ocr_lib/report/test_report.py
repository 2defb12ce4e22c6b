import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from ocr_lib import report as reports
from ocr_lib.evaluate import EvalReport, evaluate
from ocr_lib.gate import Thresholds, decide
from ocr_lib.recognize import Recognizer
from ocr_lib.report.numbers import points, wilson
from tests.ocr_lib.barcode import DICTIONARY, PREPROCESS, network, png
from tests.ocr_lib.memory_dataset import MemoryDataset

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


def test_unreadable_images_are_listed(candidate: EvalReport) -> None:
    assert "3.png: not an image that OpenCV reads (6 bytes)" in reports.html(candidate)


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
