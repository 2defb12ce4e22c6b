"""A report shows labels and never obeys them."""

from pathlib import Path

from markdown_it import MarkdownIt

from ocr_lib.config.schema import Config
from ocr_lib.data.preflight import Finding, PreflightReport, preflight
from tests.ocr_lib.data.preflight.configured import GOOD, wide


def test_labels_in_the_markdown_report_do_nothing() -> None:
    hostile = "a.png: `x` <img src=y>\n\n# _z_"
    finding = Finding("labels", "1 of 2 are *bad*", "see max_text_length", (hostile,), True)
    text = PreflightReport((finding,), (), {"train": {"by_source": {"<i>": 1}}}).markdown()
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    kinds = {child.type for token in tokens for child in token.children or ()}
    assert kinds == {"text", "strong_open", "strong_close"}
    headings = [token.level for token in tokens if token.type == "heading_open"]
    assert len(headings) == 3


def test_labels_in_the_report_are_text_only(good: Config, tmp_path: Path) -> None:
    attack = "<script>`é`|"
    wide(tmp_path, [*GOOD[:-1], attack], "train.txt")
    report = preflight(good)
    shown = MarkdownIt().render(report.markdown())
    assert "<li>images/train.txt_39.jpg: '&lt;script&gt;`é`|'</li>" in shown
    assert f"\n    images/train.txt_39.jpg: '{attack}'\n" in report.text()
