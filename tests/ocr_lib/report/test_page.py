import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import jinja2
import pytest

from ocr_lib import report as reports
from ocr_lib.evaluation.report import EvalReport, Spaces
from ocr_lib.gate import Check, LatencyAndSize, Verdict, decide
from ocr_lib.report import page as module
from tests.ocr_lib.report.page_reports import HOSTILE, LIMITS, evaluated, models

BREAKS_OUT = """"><img src=x onerror='alert(1)'><b a='{{ 7 * 7 }}"""


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


@pytest.fixture
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
    assert page.count("&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;") == 3


def retold(report: EvalReport, text: str) -> EvalReport:
    """Returns a report with this text wherever data or names of others stand."""
    told: dict[str, Any] = {
        name: tuple(replace(part, name=f"{part.name}{text}") for part in getattr(report, name))
        for name in ("by_length", "by_width", "by_class", "by_script", "by_source")
    }
    worst = tuple(
        replace(
            line,
            name=text,
            label=f"a {text}",
            recognition=replace(line.recognition, text=f"b {text} c"),
        )
        for line in report.worst
    )
    return replace(
        report,
        **told,
        worst=worst,
        watched={line.index: f"d {text}" for line in worst},
        errors=(text,),
        unreadable=9,
        dataset_digest=text,
    )


def shapes(page: str) -> set[tuple[str, ...]]:
    """Returns every kind of element: its tag with the names of its attributes."""

    class Shapes(HTMLParser):
        seen: set[tuple[str, ...]] = set()  # noqa: RUF012 - one parser

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.seen.add((tag, *(name for name, _ in attrs)))

    Shapes().feed(page)
    return Shapes.seen


def test_no_text_of_others_becomes_markup() -> None:
    def told(text: str) -> str:
        candidate, champion = (retold(report, text) for report in models())
        verdict = Verdict(False, (Check(text, False, 0.1, 0.0, 0.2, text),))
        return reports.html(candidate, verdict, champion, title=text, decisions=3)

    hostile = told(BREAKS_OUT)
    assert shapes(hostile) == shapes(told("harmless"))
    assert "&lt;img src=x onerror=&#39;alert(1)&#39;&gt;" in hostile
    assert "{{ 7 * 7 }}" in hostile
    assert parsed(hostile).links == parsed(told("harmless")).links


def test_templates_take_nothing_but_constants_for_markup() -> None:
    environment = module._environment()
    names = [name for name in environment.list_templates() if name.endswith(".html")]
    assert sorted(names) == ["macros.html", "page.html"]
    for name in names:
        assert environment.loader is not None
        source, _, _ = environment.loader.get_source(environment, name)
        assert "autoescape" not in source
        for used in environment.parse(source).find_all(jinja2.nodes.Filter):
            if used.name == "safe":
                assert isinstance(used.node, jinja2.nodes.Const), f"{name}:{used.lineno}"
    assert environment.autoescape is True


def test_worst_lines_show_truth_candidate_and_champion(candidate: EvalReport) -> None:
    champion = evaluated(watch=(1,))
    page = reports.html(candidate, decide(candidate, champion, LIMITS), champion)
    assert "ab c" in page
    assert page.count("<dt>serving</dt>") == 1
    assert re.search(r"<dt>candidate</dt><dd>ab<mark>.*?</mark>c</dd>", page)


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


def test_changes_carry_their_interval_in_words_for_readers_who_cannot_see() -> None:
    candidate, champion = models()
    page = reports.html(candidate, None, champion)
    assert 'aria-label="−100.00 points (−100.00 to −100.00)"' in page
    assert 'class="whisker worse"' in page


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


def test_a_champion_of_other_lines_is_left_out(candidate: EvalReport) -> None:
    other = replace(candidate, dataset_digest="other")
    assert reports.html(candidate, champion=other) == reports.html(candidate)
