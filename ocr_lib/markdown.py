"""Text of others in Markdown: file names, labels and URIs say what they say and do nothing."""

import re
from collections.abc import Iterable

# What starts markup, an entity or raw HTML anywhere in a line, or a list at its beginning.
_MARKUP = re.compile(r"[\\`*_{}\[\]<>|~#!&=^$@]|^[-+]|^(?P<number>\d{1,9})[.)]")
# What becomes a link without brackets around it.
_BARE_LINK = re.compile(r"(https?|ftp|mailto|xmpp)(?=:)|\bwww(?=\.)", re.IGNORECASE)
_JOINERS = "\u200c\u200d"  # invisible, and part of how Persian and Hindi are written


def escape(text: str) -> str:
    r"""Returns a text as one line of Markdown that shows exactly this text.

    What CommonMark, GitHub's tables, strikethrough and automatic links, or Kubeflow's renderer
    would interpret gets a backslash. White space becomes single spaces. Characters that do not
    show are written as `\u202e`: they could reorder or break the line.
    """
    line = " ".join(text.split())
    line = "".join(c if c.isprintable() or c in _JOINERS else _code_point(c) for c in line)
    line = _MARKUP.sub(lambda match: f"{match['number'] or ''}\\{match[0][-1]}", line)
    return _BARE_LINK.sub(r"\g<0>\\", line)


def row(cells: Iterable[str]) -> str:
    """Returns cells, each of them Markdown already, as a row of a table."""
    return f"| {' | '.join(cells)} |"


def _code_point(character: str) -> str:
    return f"\\u{ord(character):04x}"
