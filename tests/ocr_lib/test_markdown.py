import re

import pytest
from markdown_it import MarkdownIt

from ocr_lib.markdown import escape, row

HOSTILE = [
    "norm_edit_dis drop",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<!-- hidden -->",
    "[click](javascript:alert(1))",
    "![](http://example.org/seen.png)",
    "[^1]: note",
    "&lt;b&gt; &amp; &#35;",
    "**bold** __bold__ *it* ~~gone~~ ==mark== `code` $x$",
    "a|b",
    "back\\slash\\",
    "# heading",
    "- item",
    "+ item",
    "1. item",
    "123) item",
    "> quote",
    "===",
    "---",
]


def shown(markdown: str) -> str:
    """Returns the text that a reader sees, of Markdown that holds nothing but one paragraph."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    opening, inline, closing = parser.parse(markdown)
    assert (opening.type, closing.type) == ("paragraph_open", "paragraph_close")
    assert inline.children is not None
    assert {child.type for child in inline.children} <= {"text", "text_special"}
    return "".join(child.content for child in inline.children)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_reader_sees_the_text_and_nothing_else(text: str) -> None:
    assert shown(escape(text)) == text
    assert shown(f"slice {escape(text)}: fell") == f"slice {text}: fell"


def test_a_text_stays_in_its_cell_and_line() -> None:
    table = [row(["a", "b"]), row(["---", "---"]), row([escape("x\\|y\n\n| z"), "2"])]
    tokens = MarkdownIt("commonmark").enable("table").parse("\n".join(table))
    cells = [token.children or [] for token in tokens if token.type == "inline"]
    shown_cells = ["".join(child.content for child in cell) for cell in cells]
    assert shown_cells == ["a", "b", "x\\|y | z", "2"]


@pytest.mark.parametrize(
    "text", ["https://example.org", "xHTTP://example.org", "www.example.org", "me@example.org"]
)
def test_nothing_becomes_a_link_by_itself(text: str) -> None:
    assert not re.search(r"https?:|www\.|[^\\]@", escape(text), re.IGNORECASE)
    assert shown(escape(text)) == text


def test_what_does_not_show_is_written_out_but_for_joiners_of_a_script() -> None:
    assert shown(escape("a\u202eb\x1b[2J\ud800")) == r"a\u202eb\u001b[2J\ud800"
    assert escape("می\u200cخواهم") == "می\u200cخواهم"
    escape("\ud800").encode()  # can be written to a file
